"""Runs the `aikit` command as a user does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aikit.client import Container
from serving.errors import ServingError
from serving.feature import find
from serving.settings import Settings
from tests.support.ask import PROBE


def aikit(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aikit", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environ},
    )


def test_list_has_the_licence_of_every_weight_file() -> None:
    header, *rows = aikit("list", "--licenses").stdout.splitlines()
    assert header.split("  ")[0] == "feature"
    (det,) = (row for row in rows if row.startswith("general_ocr ") and " lite " in row and "det.onnx" in row)
    assert " Apache-2.0 " in det


def test_list_names_every_feature() -> None:
    assert "general_ocr_traditional" in aikit("list").stdout
    rows = json.loads(aikit("list", "--json").stdout)
    assert {"general_ocr", "general_ocr_traditional"} <= {row["name"] for row in rows}


def test_call_sends_a_request_to_a_running_container(probe: Container, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": "你好"}')
    done = aikit("call", PROBE, "--json", str(body), "--url", probe.url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "你好"


def test_call_sends_several_images_and_shows_progress(probe: Container) -> None:
    images = [str(find(name).folder / "example.jpg") for name in ("general_ocr", "general_ocr_traditional")]
    done = aikit("call", PROBE, "--img", *images, "--url", probe.url)
    assert {name: reply["image"] for name, reply in json.loads(done.stdout).items()} == dict(
        zip(images, ([1280, 960], [960, 1280]), strict=True)
    )
    assert "probe: 2 request" in done.stderr


def test_call_in_process_prints_the_error_reply_and_exits_non_zero(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"text": 5}')
    done = aikit("call", PROBE, "--json", str(body))
    assert done.returncode == 1
    assert json.loads(done.stdout)["detail"] == "text: expected `str`, got `int`"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["serve", "nope"], "feature: no 'nope'"),
        (["serve"], "feature: name one, or set AIKIT_FEATURE"),
        (["serve", "general_ocr", "--port", "99999"], "AIKIT_PORT: Expected `int` <= 65535"),
        (["call", "general_ocr"], "img, json: give either --img FILE or --json FILE"),
        (["call", "general_ocr", "--json", "-", "--draw", "x.png"], "draw: needs exactly one --img"),
        (["call", "general_ocr", "--img", "nowhere.jpg"], "nowhere.jpg"),
        (["call", PROBE, "--img", __file__, "--url", "http://127.0.0.1:1"], "url: http://127.0.0.1:1"),
    ],
)
def test_a_mistake_gives_one_line_on_stderr(arguments: list[str], line: str) -> None:
    done = aikit(*arguments)
    assert done.returncode != 0
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_missing_weights_end_the_container_with_one_line_on_stderr(tmp_path: Path) -> None:
    done = aikit(
        "serve", "general_ocr", "--profile", "standard", "--port", "0",
        AIKIT_CACHE_DIR=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:1",
    )  # fmt: skip
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    for part in ("general_ocr standard", "det/config.json", "Apache-2.0", "aikit pull general_ocr"):
        assert part in line


def test_pulling_offline_skips_missing_weights_and_reports_them(tmp_path: Path) -> None:
    done = aikit("pull", "general_ocr", "--profile", "standard", "--offline", AIKIT_CACHE_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("skipped: general_ocr standard: no det/config.json (licence Apache-2.0)")


def test_a_pull_that_fails_ends_with_an_error(tmp_path: Path) -> None:
    nowhere = {"AIKIT_CACHE_DIR": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:1"}
    done = aikit("pull", "general_ocr", "--profile", "standard", **nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("skipped: general_ocr standard: no det/config.json")


def test_verify_finds_the_bundled_weights() -> None:
    done = aikit("verify")
    assert done.returncode == 0
    assert "ok          general_ocr lite det.onnx (Apache-2.0)" in done.stdout


def test_settings_come_from_the_environment() -> None:
    settings = Settings.read({"AIKIT_PORT": "99", "AIKIT_S3_ALLOW": "s3://a, s3://b/c"})
    assert (settings.port, settings.s3_allow) == (99, ("s3://a", "s3://b/c"))
    assert Settings.read({"AIKIT_PORT": "99", "SAGEMAKER_BIND_TO_PORT": "8123"}).port == 8123


@pytest.mark.parametrize(("name", "value"), [("PORT", "x"), ("DEADLINE_S", "0"), ("STRICT_INPUT", "maybe")])
def test_an_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ServingError, match=f"AIKIT_{name}"):
        Settings.read({f"AIKIT_{name}": value})
