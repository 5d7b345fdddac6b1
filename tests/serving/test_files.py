"""Writing files and folders: readers see the old content or the new, and nothing unfinished is left."""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from serving.files import replacing, replacing_alone

CONTENTS = {b"a" * 5_000_000, b"b" * 5_000_000}
ROUNDS = 20


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "file"
    for content in ("old", "new"):
        with replacing(target) as part:
            part.write_text(content)
            assert not target.exists() or target.read_text() == "old"
        assert target.read_text() == content
    assert listed(target.parent) == {"file"}


def test_a_folder_is_replaced_with_all_its_files(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for name in ("old", "new"):
        with replacing(target) as part:
            part.mkdir()
            (part / name).touch()
        assert listed(target) == {name}
    assert listed(tmp_path) == {"folder"}


def fail_after_writing(target: Path) -> None:
    with replacing(target) as part:
        part.write_text("half")
        raise ValueError("broken")


def fail_after_writing_a_folder(target: Path) -> None:
    with replacing(target) as part:
        part.mkdir()
        (part / "half").touch()
        raise ValueError("broken")


def write_nothing(target: Path) -> None:
    with replacing(target):
        pass


@pytest.mark.parametrize("fail", [fail_after_writing, fail_after_writing_a_folder])
def test_an_error_leaves_the_target_unchanged(tmp_path: Path, fail: Callable[[Path], None]) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(ValueError, match="broken"):
        fail(target)
    assert target.read_text() == "old"
    assert listed(tmp_path) == {"file"}


def test_a_block_that_writes_nothing_leaves_the_target_unchanged(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_nothing(target)
    assert not target.exists()
    target.write_text("old")
    write_nothing(target)
    assert target.read_text() == "old"


def test_a_folder_that_cannot_be_written_is_an_os_error_before_the_block_begins() -> None:
    with (
        pytest.raises(OSError, match="/proc"),
        replacing(Path("/proc/file")),
    ):  # not even root can write there
        pytest.fail("the block has begun")


def leave_parts(folder: Path, *names: str, age_s: float = 0) -> None:
    for name in names:
        (folder / name).mkdir() if "folder" in name else (folder / name).touch()
        changed = time.time() - age_s
        os.utime(folder / name, (changed, changed))


def test_an_abandoned_part_is_removed_and_other_files_are_not(tmp_path: Path) -> None:
    leave_parts(tmp_path, ".file.00000000000a.part", ".folder.00000000000b.part", age_s=86_400)
    leave_parts(tmp_path, ".a_users_own.part", "other.part", age_s=86_400)
    leave_parts(tmp_path, ".file.00000000000c.part")
    write_nothing(tmp_path / "file")
    assert listed(tmp_path) == {".a_users_own.part", "other.part", ".file.00000000000c.part"}


def test_who_writes_alone_removes_every_earlier_part_of_the_file(tmp_path: Path) -> None:
    leave_parts(tmp_path, ".file.00000000000a.part", ".else.00000000000b.part")
    with replacing_alone(tmp_path / "file") as part:
        part.write_text("new")
    assert listed(tmp_path) - {".file.lock"} == {"file", ".else.00000000000b.part"}


def at_once(work: Callable[[Barrier, Path, bytes], None], target: Path) -> None:
    """Runs `work` in two processes, one for each of `CONTENTS`, which start together."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    processes = [spawn.Process(target=work, args=(barrier, target, content)) for content in CONTENTS]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)
    assert [process.exitcode for process in processes] == [0, 0]


def write(barrier: Barrier, target: Path, content: bytes) -> None:
    barrier.wait(timeout=60)
    for _ in range(ROUNDS):
        with replacing(target) as part:
            part.write_bytes(content)
        assert target.read_bytes() in CONTENTS


def count(barrier: Barrier, target: Path, _content: bytes) -> None:
    barrier.wait(timeout=60)
    for _ in range(ROUNDS):
        with replacing_alone(target) as part:
            part.write_text(str(int(target.read_text()) + 1))


def test_two_writers_at_once_leave_one_complete_file(tmp_path: Path) -> None:
    at_once(write, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() in CONTENTS
    assert listed(tmp_path) == {"file"}


def test_writers_that_work_alone_lose_no_change_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("0")
    at_once(count, tmp_path / "file")
    assert (tmp_path / "file").read_text() == str(2 * ROUNDS)
