"""Runs build.sh with a container engine and an `aws` command that only record their calls."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

STUB = """#!/bin/sh
echo "${0##*/} $*" >> "$CALLS" # one write, because two of them may run at once
case "$*" in
    *get-caller-identity*) echo 123456789012 ;;
    *get-login-password*) echo secret ;;
    *describe-repositories*) exit 254 ;;
    login*) cat > /dev/null ;;
esac
"""


class Built:
    """The outcome of one run. calls: command lines of the engine and of `aws`."""

    def __init__(self, done: subprocess.CompletedProcess[str], calls: list[str]) -> None:
        self.done, self.calls = done, calls

    def calls_of(self, beginning: str) -> list[str]:
        return [call for call in self.calls if call.startswith(beginning)]


class Build:
    """Runs build.sh."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("buildah", "aws"):
            (folder / name).write_text(STUB)
            (folder / name).chmod(0o755)

    def __call__(self, arguments: str) -> Built:
        calls = self._folder / "calls"
        calls.write_text("")
        environ = {**os.environ, "CALLS": str(calls), "PATH": f"{self._folder}:{os.environ['PATH']}"}
        done = subprocess.run(
            [ROOT / "build.sh", *shlex.split(arguments)],
            env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Built(done, calls.read_text().splitlines())


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def test_an_image_has_labels_for_version_and_licences(build: Build) -> None:
    built = build("face_detection --engine buildah --tag 1.2")
    (call,) = built.calls
    assert built.done.stdout.strip() == "aikit/face-detection:1.2"
    assert "--build-arg FEATURE=face_detection" in call
    assert "org.opencontainers.image.version=0." in call
    assert "aikit.weights.licenses=MIT, Apache-2.0" in call


def test_the_licence_label_follows_the_profile(build: Build) -> None:
    (call,) = build("face_detection --engine buildah --profile standard").calls
    assert "aikit.weights.licenses=MIT, Apache-2.0, CC-BY-4.0 " in call
    assert "--build-arg PROFILE=standard" in call


def test_mirrors_in_the_environment_reach_the_build(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://mirror.example/npm")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    (call,) = build("face_detection --engine buildah").calls
    assert "--build-arg NPM_CONFIG_REGISTRY=http://mirror.example/npm" in call
    assert "HF_ENDPOINT" not in call


def test_every_feature_has_an_image_of_its_own(build: Build) -> None:
    features = sorted(file.parent.name for file in ROOT.glob("containers/*/feature.py"))
    images = build("all --engine buildah --tag 1 --prefix mine").done.stdout.split()
    assert images == [f"mine/{name.replace('_', '-')}:1" for name in features]


def test_several_features_may_share_an_image(build: Build) -> None:
    built = build("--together face_detection,general_ocr --engine buildah --tag 1")
    assert built.done.stdout.split() == ["aikit/together:1"]
    assert "--build-arg FEATURE=face_detection,general_ocr" in built.calls[0]


def test_an_image_for_lambda_has_its_own_tag_and_torch(build: Build) -> None:
    built = build(
        "general_ocr --engine buildah --target lambda --tag 1 --torch-index https://example.com/cpu"
    )
    assert built.done.stdout.split() == ["aikit/general-ocr:1-lambda"]
    assert "--build-arg TORCH_INDEX=https://example.com/cpu" in built.calls[0]
    assert not built.done.stderr
    assert "CUDA" in build("general_ocr --engine buildah --target lambda").done.stderr


@pytest.mark.parametrize(("region", "suffix"), [("us-east-2", "com"), ("cn-north-1", "com.cn")])
def test_pushing_makes_a_repository_with_immutable_tags(build: Build, region: str, suffix: str) -> None:
    built = build(f"general_ocr --engine buildah --tag 1 --push --region {region}")
    registry = f"123456789012.dkr.ecr.{region}.amazonaws.{suffix}"
    (creation,) = built.calls_of("aws ecr create-repository")
    assert "--repository-name aikit/general-ocr" in creation
    assert "scanOnPush=true" in creation
    assert "IMMUTABLE" in creation
    assert built.calls_of("buildah login")[0].endswith(registry)
    assert built.calls[-1] == f"buildah push {registry}/aikit/general-ocr:1"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ("", "name a feature"),
        ("no_such_feature", "feature: no_such_feature does not exist"),
        ("--together general_ocr,nothing", "feature: nothing does not exist"),
        ("general_ocr --target moon", "target: moon, must be"),
        ("general_ocr --tag", "--tag needs a value"),
        ("general_ocr --colour red", "--colour: unknown option"),
    ],
)
def test_a_wrong_argument_is_reported_and_nothing_is_built(build: Build, arguments: str, fault: str) -> None:
    built = build(f"{arguments} --engine buildah" if "needs a value" not in fault else arguments)
    assert (built.done.returncode, built.calls) == (2, [])
    assert fault in built.done.stderr
