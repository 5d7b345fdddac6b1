"""Progress of long work without a terminal."""

import pytest

from serving import progress


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar(9_929_594, "det.onnx") as bar:
        bar.update(9_000_000)
        bar.update(929_594)
    with progress.bar(None, "images", unit="images") as bar:
        bar.update(3)
    with progress.step("loading toy"):
        pass
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:3] == ["det.onnx: 9.9 MB done", "images: 3 images done", "loading toy ..."]
    assert err.splitlines()[3].startswith("loading toy: 0.")


def failing_work() -> None:
    with progress.bar(2, "images", unit="images") as bar:
        bar.update(1)
        raise ValueError("broken")


def test_failed_work_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="broken"):
        failing_work()
    assert capsys.readouterr().err == ""
