"""The locked requirements of the images are exact, hashed, and enough for what is declared."""

import re
from collections.abc import Iterable
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from serving.feature import Feature
from tests.support.paths import ROOT

CONTAINERS = ROOT / "containers"
LOCKS = sorted(CONTAINERS.rglob("*.lock"))
BASE = (CONTAINERS / "requirements.lock", CONTAINERS / "torch.lock")
ENTRY = re.compile(r"(?m)^([\w.-]+)==([\w.+!-]+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$")


def pinned(*locks: Path) -> dict[str, str]:
    """Versions by package."""
    texts = [lock.read_text("utf-8") for lock in locks if lock.exists()]
    return {name: version for text in texts for name, version, _ in ENTRY.findall(text)}


def lacking(declared: Iterable[str], locked: dict[str, str]) -> list[str]:
    """The requirements that no locked version meets."""
    wanted = map(Requirement, declared)
    return [
        str(one) for one in wanted if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(CONTAINERS)))
def test_every_line_of_a_lock_is_a_version_with_hashes(lock: Path) -> None:
    assert ENTRY.sub("", lock.read_text("utf-8")).strip() == ""


def test_the_images_have_what_setup_cfg_asks_for() -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    extras = settings["options.extras_require"]
    lines = "\n".join(
        [
            settings["options"]["install_requires"],
            *(extras[name] for name in ("networks", "s3", "lambda", "torch")),
        ]
    )
    declared = [line for line in lines.splitlines() if line and not line.startswith("ai-solution-kit")]
    assert lacking(declared, pinned(*BASE)) == []


def test_an_image_has_what_its_feature_requires(feature: Feature) -> None:
    lock = CONTAINERS / feature.name / "requirements.lock"
    assert lacking(feature.requires, pinned(*BASE, lock)) == [], "make lock"


def test_torch_is_locked_apart_so_that_another_index_can_serve_it() -> None:
    first, second = (pinned(lock).keys() for lock in BASE)
    assert not first & second
    assert {"torch", "torchvision"} <= second
    assert not any(name.startswith(("nvidia", "cuda", "triton")) for name in first)
