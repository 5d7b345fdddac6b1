"""Runs `aikit deploy` as a user does, against a fake AWS account."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from aikit.main import main
from deploy.cloudformation.templates import ROOT
from tests.support.aws.fake import FakeAws, account

TAG = ["--image-tag", "1"]


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Here:
    """Runs commands with a fake account as their environment."""

    def __init__(self, fake: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
        self.fake, self._capsys = fake, capsys

    def aikit(self, *words: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(["deploy", *words, *(["--poll", "0.0001"] if words[0] != "template" else [])])
        code = ended.value.code
        return Done(code if isinstance(code, int) else 1, *self._capsys.readouterr())


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    with account() as (fake, session):
        monkeypatch.setattr(boto3.session, "Session", lambda: session)
        yield Here(fake, capsys)


def test_a_feature_is_deployed_in_a_stack_and_removed(here: Here) -> None:
    done = here.aikit("up", "general_ocr:lambda", "--yes", "--no-checks", *TAG)
    assert done.code == 0, done.err
    assert "Add     GeneralOCRStack/Function" in done.out
    assert "CREATE_COMPLETE" in done.err
    rows = json.loads(here.aikit("status", "--json").out)
    assert [(row["feature"], row["target"]) for row in rows] == [("general_ocr", "lambda")]
    assert "general_ocr  lambda  CREATE_COMPLETE" in here.aikit("status").out
    here.aikit("up", "face_detection:lambda", "--yes", "--no-checks")
    done = here.aikit("down", "general_ocr", "--yes")
    assert (done.code, done.out) == (0, "kept: face_detection: it was not named\n")
    assert here.aikit("down", "--yes").code == 0
    assert here.fake.alive() == []
    assert here.aikit("status").err == "aikit: nothing is deployed in us-west-2\n"


def test_the_checks_of_quota_and_images_include_features_that_stay(here: Here) -> None:
    here.aikit("up", "general_ocr:sagemaker", "--yes", "--no-checks", *TAG)
    here.fake.quotas = {"ml.g4dn.xlarge for endpoint usage": 1.0}
    done = here.aikit("up", "face_detection:sagemaker", "--yes", "--image-tag", "2")
    assert "quota        ml.g4dn.xlarge for endpoint usage: 1, 2 needed" in done.err
    assert "there is no repository aikit/general-ocr" in done.err
    done = here.aikit("up", "general_ocr:no", "face_detection:lambda", "--yes", "--image-tag", "2")
    assert "quota" not in done.err


def test_a_feature_is_deployed_at_an_endpoint_and_removed(here: Here) -> None:
    done = here.aikit("up", "general_ocr", "--mode", "api", "--no-checks", *TAG)
    assert (done.code, done.err) == (0, "aikit-general-ocr: Creating\naikit-general-ocr: InService\n")
    (row,) = json.loads(here.aikit("status", "--mode", "api", "--json").out)
    assert (row["name"], row["status"], row["instances"]) == ("aikit-general-ocr", "InService", 1)
    here.fake.log("/aws/sagemaker/Endpoints/aikit-general-ocr", "ready", "asked")
    assert here.aikit("logs", "general_ocr", "--mode", "api", "--lines", "1").out == "asked\n"
    done = here.aikit("down", "--mode", "api", "--yes")
    assert done.out.startswith("kept: /aws/sagemaker/Endpoints/aikit-general-ocr: the log")
    assert (here.fake.endpoints, here.fake.configs, here.fake.models) == ({}, {}, {})
    assert here.aikit("down", "--mode", "api", "--yes", "--logs").out == ""


def test_features_share_an_endpoint(here: Here) -> None:
    together = ["--together", "--mode", "api"]
    assert here.aikit("up", "general_ocr", "face_detection", *together, "--no-checks", *TAG).code == 0
    assert list(here.fake.endpoints) == ["aikit-together"]
    asked: list[dict[str, Any]] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        asked.append(parameters)
        return {"Body": io.BytesIO(b"[]"), "ContentType": "application/json"}

    here.fake.answers["sagemaker_runtime_invoke_endpoint"] = answer
    assert here.aikit("invoke", "face_detection", *together, "--img", __file__).out == "[]\n"
    assert asked[0]["CustomAttributes"] == "feature=face_detection"
    assert asked[0]["Body"] == Path(__file__).read_bytes()
    assert here.aikit("down", *together, "--yes").code == 0
    assert here.fake.endpoints == {}


def test_a_failure_shows_the_log_and_ends_with_one_line(here: Here) -> None:
    here.fake.broken = {"1"}
    done = here.aikit("up", "general_ocr", "--mode", "api", "--no-checks", *TAG)
    assert done.code == 1
    *_, log, deleting, deleted, line = done.err.splitlines()
    assert (log, deleting, deleted) == (
        "  ImportError: libGL.so.1", "aikit-general-ocr: Deleting", "aikit-general-ocr: deleted",
    )  # fmt: skip
    assert line.startswith("aikit: aikit-general-ocr: The container for production variant main did not pass")


def test_failed_checks_are_shown_and_nothing_is_made(here: Here) -> None:
    done = here.aikit("up", "general_ocr", "face_detection", "custom_ocr", "--yes", *TAG)
    assert done.code == 1
    assert "stop  quota        ml.g4dn.xlarge for endpoint usage: 2, 3 needed" in done.err
    assert "-> run ./build.sh face_detection --target sagemaker --push" in done.err
    assert done.err.splitlines()[-1].startswith("aikit: pre-flight: 4 of ")
    assert here.fake.changes == []


@pytest.mark.parametrize("mode", ["stack", "api"])
def test_a_dry_run_changes_nothing(here: Here, mode: str) -> None:
    options = ["--mode", mode, "--dry-run", *TAG]
    done = here.aikit("up", "general_ocr:sagemaker" if mode == "stack" else "general_ocr", *options)
    assert done.code == 0, done.err
    last = "cloudformation execute_change_set" if mode == "stack" else "sagemaker create_endpoint "
    assert done.out.splitlines()[-1].startswith(f"would call {last}")
    assert here.aikit("down", "--mode", mode, "--dry-run").code == 0
    assert here.fake.changes == []


def test_without_a_terminal_the_option_yes_is_required(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = here.aikit("up", "general_ocr:lambda", "--no-checks", *TAG)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("aikit: yes: stdin is not a terminal")
    assert here.fake.alive() == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["up", "nope"], "feature: no 'nope'"),
        (["up", "general_ocr:cloud"], "general_ocr: target 'cloud', must be one of no, lambda, sagemaker"),
        (["up", "general_ocr", "--set", "x"], "x: NAME=VALUE is expected"),
        (["up", "general_ocr", "--set", "Colour=red", "--no-checks"], "Colour: no such parameter"),
        (["up", "general_ocr", "--mode", "api", "--serverless", "512"], "serverless: 512 MB, one of 1024"),
        (["logs", "general_ocr"], "general_ocr: not deployed in stack aikit"),
        (["invoke", "general_ocr", "--img", __file__], "general_ocr: not deployed in stack aikit"),
        (["invoke", "general_ocr"], "img, json: give one of the two"),
    ],
)
def test_a_mistake_gives_one_line_on_stderr(here: Here, words: list[str], line: str) -> None:
    done = here.aikit(*words)
    assert done.code == 2
    assert done.err.startswith(f"aikit: {line}")
    assert len(done.err.splitlines()) == 1
    assert here.fake.changes == []


def test_the_templates_are_written(here: Here, tmp_path: Path) -> None:
    done = here.aikit("template", "--out", str(tmp_path))
    assert f"written: {tmp_path / ROOT}" in done.out
    assert "GeneralOCRStack" in json.loads((tmp_path / ROOT).read_text())["Resources"]
    assert list(tmp_path.glob("*.zip"))
