"""The derived documents are current, and their examples run."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aikit.client import Container
from deploy.documents.documents import ROOT, DocumentError, fill, third_party, update
from deploy.documents.feature_page import reference
from deploy.tables import rows
from serving.feature import Feature, discover, find

README = (
    "# Title\n<!-- features -->\n<!-- /features -->\nBy hand.\n<!-- settings -->\n<!-- /settings -->\n"
    + ("<!-- errors -->\n<!-- /errors -->\n")
)
PROBE = find("tests.support.features.probe.feature")
texts = st.text().filter(lambda text: "<!--" not in text)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_derived_documents_are_current() -> None:
    assert update(check=True) == []


def test_stale_files_are_written_once_and_hand_written_parts_stay(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README)
    files = [
        "README.md",
        "THIRD_PARTY.md",
        "deploy/documents/postman_collection.json",
        "tests/snapshots/ai-solution-kit.json",
        "tests/snapshots/probe.json",
        "tests/snapshots/openapi.json",
        "containers/probe/README.md",
    ]
    assert update(check=True, root=tmp_path, features=[PROBE]) == files
    assert (tmp_path / "README.md").read_text() == README
    assert update(root=tmp_path, features=[PROBE]) == files
    assert update(root=tmp_path, features=[PROBE]) == []
    page = tmp_path / files[-1]
    page.write_text(page.read_text().replace("# Probe", "# Sonde") + "\nBy hand.\n")
    assert update(root=tmp_path, features=[PROBE]) == files[-1:]
    assert page.read_text().endswith("\nBy hand.\n")
    assert "# Probe" in page.read_text()
    assert "\nBy hand.\n" in (tmp_path / "README.md").read_text()


def test_the_readme_lists_features_settings_and_errors(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(README)
    update(root=tmp_path, features=[PROBE])
    text = (tmp_path / "README.md").read_text()
    link = "[`probe`](containers/probe/README.md)"
    assert f"| {link} | Probe | 探针 | Behaves as each request says. | lite, standard |" in text
    assert "| `AIKIT_MODEL_DIR` | `/opt/ml/model` | A user's own weights; " in text
    assert "| 413 | `payload_too_large` |" in text


@given(before=texts, old=texts, new=texts, after=texts)
def test_filling_a_text_twice_gives_the_same_as_once(before: str, old: str, new: str, after: str) -> None:
    text = f"{before}<!-- part -->{old}<!-- /part -->{after}"
    filled = fill(text, {"part": new}, "a.md")
    assert filled == f"{before}<!-- part -->\n{new.strip()}\n<!-- /part -->{after}"
    assert fill(filled, {"part": new}, "a.md") == filled


@pytest.mark.parametrize(
    "text", ["", "<!-- part -->", "<!-- /part -->\n<!-- part -->", "<!-- part --><!-- /part -->" * 2]
)
def test_a_missing_mark_is_named_with_its_file(text: str) -> None:
    with pytest.raises(DocumentError, match=r"guide\.md: .*<!-- part -->.*<!-- /part -->"):
        fill(text, {"part": "new"}, "guide.md")


def test_nothing_is_written_when_a_mark_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"README\.md: .*<!-- features -->"):
        update(root=tmp_path, features=[PROBE])
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_every_text_stays_in_its_cell(cells: list[str]) -> None:
    row = rows([cells])
    assert len(row.splitlines()) == 1
    assert len(re.findall(r"(?<!\\)\|", row)) == len(cells) + 1


def test_a_page_lists_types_required_fields_and_defaults() -> None:
    page = reference(PROBE)
    assert "| `url` | string | this or `img` |" in page
    assert "| `img` | string (base64) | this or `url` |" in page
    assert '| `action` | `"answer"` or `"die"` or ' in page
    assert 'Default: `"answer"`.' in page
    assert "| `pid` | integer |" in page


def test_the_code_on_every_page_is_well_formed(feature: Feature) -> None:
    page = reference(feature)
    for code in blocks(page, "python"):
        ast.parse(code)
    for body in blocks(page, "json"):
        json.loads(body)
    for script in blocks(page, "sh"):
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "$" not in "".join(blocks(page, "python"))


def test_the_links_on_every_page_lead_to_existing_files(feature: Feature) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", reference(feature)):
        assert (ROOT / "containers" / feature.name / target).exists()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which contains photo.jpg, 8x6 px."""
    Image.new("RGB", (8, 6)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_example_works(probe: Container, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (code for code in blocks(reference(PROBE), "python") if "photo.jpg" in code)
    exec(code.replace("http://localhost:8080", probe.url), {})
    assert "'image': [6, 8]" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_curl_examples_work(probe: Container, folder: Path) -> None:
    for script in blocks(reference(PROBE), "sh"):
        if "curl" in script and "photo.jpg" in script:
            local = script.replace("http://localhost:8080", probe.url).replace("curl ", "curl -sS ")
            done = subprocess.run(["sh", "-c", local], capture_output=True, text=True, check=True)
            assert done.stdout.count('"image":[6,8]') == script.count("curl ")


def test_the_third_party_list_has_every_weight_file() -> None:
    features = list(discover().values())
    text = third_party(features)
    for file in (file for one in features for profile in one.profiles.values() for file in profile.files):
        row = next(line for line in text.splitlines() if line.startswith(f"| {file.name} | {file.origin} |"))
        assert file.license in row
        assert (file.sha256 or "weights.lock") in row
    assert "verified by this project's tests" in text
    assert "<https://huggingface.co/PaddlePaddle/" in text
