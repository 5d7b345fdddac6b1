"""CONTRIBUTING's promise: one new folder and one command make a feature."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FEATURE = '''"""The declaration of a feature that counts characters."""

from typing import Annotated

import msgspec
from msgspec import Meta

from serving.feature import Batching, DataStore, Feature, Measured, Measurements, Profile


class CountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A text to count."""

    text: Annotated[str, Meta(description="The text.")]


class Count(msgspec.Struct, frozen=True):
    """The number of characters."""

    characters: Annotated[int, Meta(ge=0, description="Characters, spaces included.")]


feature = Feature(
    module=__name__,
    feature_id="CharacterCount",
    title="Character Count",
    title_zh="字数统计",
    summary="Counts the characters of a text.",
    request=CountRequest,
    response=Count,
    profiles={"lite": Profile(files=(), summary="Needs no weights.", verified=True)},
    batching=Batching(max_size=4, max_delay_ms=20),
    measured=Measurements(
        cpu=Measured(
            seconds=0.001, input="a sentence", machine="a laptop", date="2026-11-30", source="README.md"
        )
    ),
    store=DataStore(name="count", default="~/.cache/aikit/counts", description="Where counts are kept."),
)
'''
MODEL = '''"""The behaviour of a feature that counts characters."""

from collections.abc import Sequence
from typing import Self

from containers.character_count.feature import Count, CountRequest
from serving.model import Model as Base
from serving.weights import Weights


class Model(Base[CountRequest, str, int, Count]):
    """Counts characters."""

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls()

    def preprocess(self, request: CountRequest) -> str:
        return request.text

    def predict(self, batch: Sequence[str]) -> Sequence[int]:
        return [len(text) for text in batch]

    def postprocess(self, output: int, item: str) -> Count:
        return Count(output)
'''
EXAMPLE = {"request": {"text": "你好, world"}, "response": {"characters": 9}}
WRITTEN = {
    "README.md",
    "THIRD_PARTY.md",
    "containers/character_count/README.md",
    "deploy/documents/postman_collection.json",
    "tests/snapshots/ai-solution-kit.json",
    "tests/snapshots/character_count.json",
    "tests/snapshots/openapi.json",
}
RULES = (
    "tests/features/test_rules.py",
    "tests/serving/test_openapi.py",
    "tests/deploy/documents",
    "tests/deploy/cloudformation",
    "tests/deploy/test_locks.py",
    "tests/test_structure.py",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with one more folder under containers/."""
    copy = tmp_path_factory.mktemp("clone") / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
    folder = copy / "containers" / "character_count"
    (folder / "tools").mkdir(parents=True)
    for name, text in {
        "__init__.py": '"""Counts characters."""\n',
        "feature.py": FEATURE,
        "model.py": MODEL,
        "tools/count.html": "<!doctype html><title>Count</title>",
        "example.json": json.dumps(EXAMPLE, ensure_ascii=False),
    }.items():
        (folder / name).write_text(text, "utf-8")
    return copy


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m …` in the copy, which imports its own modules."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_one_folder_and_one_command_make_a_feature(tree: Path) -> None:
    listed = run(tree, "aikit", "docs").stdout.splitlines()
    assert {line.removeprefix("written: ") for line in listed} == WRITTEN
    assert run(tree, "aikit", "docs", "--check").returncode == 0
    assert "`AIKIT_COUNT_STORE`" in (tree / "README.md").read_text("utf-8")
    rules = run(
        tree,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "character_count or current or snapshot or share or api",
        *RULES,
    )
    assert rules.returncode == 0, rules.stdout
    body = tree / "body.json"
    body.write_text(json.dumps(EXAMPLE["request"]))
    asked = run(tree, "aikit", "call", "character_count", "--json", str(body))
    assert json.loads(asked.stdout) == EXAMPLE["response"], asked.stderr


def test_contributing_lists_what_the_command_writes() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for name in WRITTEN:
        assert f"`{name.replace('character_count', '<feature>')}`" in text, name
