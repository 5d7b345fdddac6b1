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
from tests.support.aws.fake import FakeAws, fake_account

TAG = ["--image-tag", "1"]


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Account:
    """Runs commands with a fake account as their environment."""

    def __init__(self, fake: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
        self.fake, self._capsys = fake, capsys

    def aikit(self, *words: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(["deploy", *words, *(["--poll", "0.0001"] if words[0] != "template" else [])])
        code = ended.value.code
        return Done(code if isinstance(code, int) else 1, *self._capsys.readouterr())


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Account]:
    with fake_account() as (fake, session):
        monkeypatch.setattr(boto3.session, "Session", lambda: session)
        yield Account(fake, capsys)


def test_a_feature_is_deployed_in_a_stack_and_removed(account: Account) -> None:
    done = account.aikit("up", "general_ocr:lambda", "--yes", "--no-checks", *TAG)
    assert done.code == 0, done.err
    assert "Add     GeneralOCRStack/Function" in done.out
    assert "CREATE_COMPLETE" in done.err
    rows = json.loads(account.aikit("status", "--json").out)
    assert [(row["feature"], row["target"]) for row in rows] == [("general_ocr", "lambda")]
    assert "general_ocr  lambda  CREATE_COMPLETE" in account.aikit("status").out
    account.aikit("up", "face_detection:lambda", "--yes", "--no-checks")
    done = account.aikit("down", "general_ocr", "--yes")
    assert (done.code, done.out) == (0, "kept: face_detection: it was not named\n")
    assert account.aikit("down", "--yes").code == 0
    assert account.fake.alive() == []
    assert account.aikit("status").err == "aikit: nothing is deployed in us-west-2\n"


def test_the_checks_of_quota_and_images_include_features_that_stay(account: Account) -> None:
    account.aikit("up", "general_ocr:sagemaker", "--yes", "--no-checks", *TAG)
    account.fake.quotas = {"ml.g4dn.xlarge for endpoint usage": 1.0}
    done = account.aikit("up", "face_detection:sagemaker", "--yes", "--image-tag", "2")
    assert "quota        ml.g4dn.xlarge for endpoint usage: 1, 2 needed" in done.err
    assert "there is no repository aikit/general-ocr" in done.err
    done = account.aikit("up", "general_ocr:no", "face_detection:lambda", "--yes", "--image-tag", "2")
    assert "quota" not in done.err


def test_a_feature_is_deployed_at_an_endpoint_and_removed(account: Account) -> None:
    done = account.aikit("up", "general_ocr", "--mode", "api", "--no-checks", *TAG)
    assert (done.code, done.err) == (0, "aikit-general-ocr: Creating\naikit-general-ocr: InService\n")
    (row,) = json.loads(account.aikit("status", "--mode", "api", "--json").out)
    assert (row["name"], row["status"], row["instances"]) == ("aikit-general-ocr", "InService", 1)
    account.fake.log("/aws/sagemaker/Endpoints/aikit-general-ocr", "ready", "asked")
    assert account.aikit("logs", "general_ocr", "--mode", "api", "--lines", "1").out == "asked\n"
    done = account.aikit("down", "--mode", "api", "--yes")
    assert done.out.startswith("kept: /aws/sagemaker/Endpoints/aikit-general-ocr: the log")
    assert (account.fake.endpoints, account.fake.configs, account.fake.models) == ({}, {}, {})
    assert account.aikit("down", "--mode", "api", "--yes", "--logs").out == ""


def test_features_share_an_endpoint(account: Account) -> None:
    together = ["--together", "--mode", "api"]
    assert account.aikit("up", "general_ocr", "face_detection", *together, "--no-checks", *TAG).code == 0
    assert list(account.fake.endpoints) == ["aikit-together"]
    asked: list[dict[str, Any]] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        asked.append(parameters)
        return {"Body": io.BytesIO(b"[]"), "ContentType": "application/json"}

    account.fake.answers["sagemaker_runtime_invoke_endpoint"] = answer
    assert account.aikit("invoke", "face_detection", *together, "--img", __file__).out == "[]\n"
    assert asked[0]["CustomAttributes"] == "feature=face_detection"
    assert asked[0]["Body"] == Path(__file__).read_bytes()
    assert account.aikit("down", *together, "--yes").code == 0
    assert account.fake.endpoints == {}


def test_a_failure_shows_the_log_and_ends_with_one_line(account: Account) -> None:
    account.fake.broken = {"1"}
    done = account.aikit("up", "general_ocr", "--mode", "api", "--no-checks", *TAG)
    assert done.code == 1
    *_, log, deleting, deleted, line = done.err.splitlines()
    assert (log, deleting, deleted) == (
        "  ImportError: libGL.so.1", "aikit-general-ocr: Deleting", "aikit-general-ocr: deleted",
    )  # fmt: skip
    assert line.startswith("aikit: aikit-general-ocr: The container for production variant main did not pass")


def test_failed_checks_are_shown_and_nothing_is_made(account: Account) -> None:
    done = account.aikit("up", "general_ocr", "face_detection", "custom_ocr", "--yes", *TAG)
    assert done.code == 1
    assert "stop  quota        ml.g4dn.xlarge for endpoint usage: 2, 3 needed" in done.err
    assert "-> run ./build.sh face_detection --target sagemaker --push" in done.err
    assert done.err.splitlines()[-1].startswith("aikit: pre-flight: 4 of ")
    assert account.fake.changes == []


@pytest.mark.parametrize("mode", ["stack", "api"])
def test_a_dry_run_changes_nothing(account: Account, mode: str) -> None:
    options = ["--mode", mode, "--dry-run", *TAG]
    done = account.aikit("up", "general_ocr:sagemaker" if mode == "stack" else "general_ocr", *options)
    assert done.code == 0, done.err
    last = "cloudformation execute_change_set" if mode == "stack" else "sagemaker create_endpoint "
    assert done.out.splitlines()[-1].startswith(f"would call {last}")
    assert account.aikit("down", "--mode", mode, "--dry-run").code == 0
    assert account.fake.changes == []


def test_without_a_terminal_the_option_yes_is_required(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = account.aikit("up", "general_ocr:lambda", "--no-checks", *TAG)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("aikit: yes: stdin is not a terminal")
    assert account.fake.alive() == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["up", "nope"], "feature: no 'nope'"),
        (["up", "general_ocr:cloud"], "general_ocr: target 'cloud', must be one of no, lambda, sagemaker"),
        (["up", "general_ocr", "--set", "x"], "x: NAME=VALUE is expected"),
        (["up", "general_ocr", "--set", "Colour=red", "--no-checks"], "Colour: no such parameter"),
        (
            ["up", "general_ocr", "--mode", "api", "--serverless", "512"],
            "serverless: 512 MB, must be one of",
        ),
        (["logs", "general_ocr"], "general_ocr: not deployed in stack aikit"),
        (["invoke", "general_ocr", "--img", __file__], "general_ocr: not deployed in stack aikit"),
        (["invoke", "general_ocr"], "img, json: give either --img FILE or --json FILE"),
    ],
)
def test_a_mistake_gives_one_line_on_stderr(account: Account, words: list[str], line: str) -> None:
    done = account.aikit(*words)
    assert done.code == 2
    assert done.err.startswith(f"aikit: {line}")
    assert len(done.err.splitlines()) == 1
    assert account.fake.changes == []


def test_the_templates_are_written(account: Account, tmp_path: Path) -> None:
    done = account.aikit("template", "--out", str(tmp_path))
    assert f"written: {tmp_path / ROOT}" in done.out
    assert "GeneralOCRStack" in json.loads((tmp_path / ROOT).read_text())["Resources"]
    assert list(tmp_path.glob("*.zip"))
