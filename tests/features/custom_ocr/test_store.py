"""Templates are stored whole, in a folder or a bucket that replicas share."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Any

import numpy as np
import pytest

from containers.custom_ocr.feature import STORE
from containers.custom_ocr.store import Bucket, Folder, Store, Templates, open_store
from containers.custom_ocr.template import Anchor, Template, fields_of
from serving.errors import InvalidRequest, NotFound, PayloadTooLarge, Unavailable, UnprocessableInput
from serving.settings import Settings, SettingsError
from tests.features.custom_ocr.test_template import BOX, IMAGE
from tests.support import s3

ID, OTHER = "de370236a28437715be3aa33eef2e84634c805bc", "0123456789" * 4


def template(name: str = "名称") -> Template:
    return Template.of(IMAGE, fields_of([(BOX, name)], 80, 60), [Anchor("Invoice", BOX)])


def opened(store: Store, **limits: int) -> Templates[Template]:
    return Templates(store, lambda found: found, **limits)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with s3.server() as client:
        yield client


@pytest.fixture
def bucket(server: Any) -> Iterator[Any]:
    """A client of the server, which has an empty bucket."""
    with s3.bucket(server, "kept"):
        yield server


@pytest.fixture(params=["folder", "s3"])
def replica(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Returns a function that opens the same store again, as each process would."""
    if request.param == "folder":
        return lambda: open_store(str(tmp_path / "new" / "store"))
    request.getfixturevalue("bucket")
    return lambda: open_store("s3://kept/some/place")


@pytest.fixture
def store(replica: Callable[[], Store]) -> Store:
    return replica()


def test_templates_are_added_read_listed_and_deleted(store: Store) -> None:
    templates = opened(store)
    assert templates.fields() == {}
    templates.add(ID, template("a"))
    templates.add(OTHER, template("b"))
    templates.add(ID, template("a"))
    assert templates.get(ID) == template("a")
    assert list(templates.fields().items()) == [(OTHER, template("b").fields), (ID, template("a").fields)]
    templates.delete([ID, OTHER, ID])
    assert templates.fields() == {}


def test_an_unknown_id_is_not_found(store: Store) -> None:
    for ask in (
        store.check,
        store.read,
        store.delete,
        opened(store).get,
        lambda id: opened(store).delete([id]),
    ):
        with pytest.raises(
            NotFound, match=rf"^template_id: no template '{ID}'; it was never added, or was del"
        ):
            ask(ID)


def test_a_deletion_or_addition_by_another_replica_is_effective_immediately(
    replica: Callable[[], Store],
) -> None:
    here, there = opened(replica()), opened(replica())
    here.add(ID, template())
    assert there.get(ID) == template()
    here.delete([ID])
    with pytest.raises(NotFound):
        there.get(ID)
    assert there.fields() == {}
    there.add(ID, template())
    assert here.get(ID) == template()


def test_nothing_is_deleted_when_one_of_the_ids_does_not_exist(store: Store) -> None:
    opened(store).add(ID, template())
    with pytest.raises(NotFound, match=OTHER):
        opened(store).delete([ID, OTHER])
    assert store.ids() == [ID]


def test_only_an_id_becomes_a_file_name(store: Store) -> None:
    wrong = ("", f"../{ID}", f"../{ID[3:]}", "/etc/passwd", ID.upper(), f"{ID}\n", ID[1:], f"{ID}0")
    for id in (*wrong, "０" * 40):
        for ask in (store.read, store.check, store.delete, lambda id: store.write(id, b"")):
            with pytest.raises(InvalidRequest, match=r"^template_id: expected 40 hexadecimal digits"):
                ask(id)
    assert store.ids() == []


def test_a_damaged_template_is_reported_and_does_not_affect_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    templates = opened(store)
    templates.add(ID, template())
    for data in (b"", b"{", b"{}", b"\xff", b'{"fields":[],"anchors":[],"image":"","version":2}'):
        store.write(OTHER, data)
        with pytest.raises(NotFound, match=rf"^template_id: template '{OTHER}' is damaged; add it again$"):
            templates.get(OTHER)
        assert templates.fields() == {OTHER: (), ID: template().fields}
    assert OTHER in caplog.text
    templates.add(OTHER, template())
    assert templates.get(OTHER) == template()


def test_a_full_store_accepts_only_templates_that_it_has(store: Store) -> None:
    templates = opened(store, max_templates=1)
    templates.add(ID, template())
    templates.add(ID, template())
    with pytest.raises(UnprocessableInput, match=r"^template: 1 are stored, at most 1; delete some first$"):
        templates.add(OTHER, template())
    templates.delete([ID])
    templates.add(OTHER, template())


def test_a_large_template_is_refused(store: Store) -> None:
    size = len(template().image)
    with pytest.raises(PayloadTooLarge, match=rf"^img: {size} bytes as PNG, at most {size - 1}$"):
        opened(store, max_bytes=size - 1).add(ID, template())
    assert store.ids() == []
    opened(store, max_bytes=size).add(ID, template())


def test_a_template_in_the_cache_is_not_prepared_again_and_its_fields_are_read_once(tmp_path: Path) -> None:
    prepared = []
    templates = Templates(Folder(tmp_path), lambda found: prepared.append(found.fields[0].name), max_cached=1)
    for id, name in ((ID, "a"), (OTHER, "b")):
        templates.add(id, template(name))
    for id in (ID, ID, OTHER, OTHER, ID):
        templates.get(id)
    assert prepared == ["a", "b", "a"]
    before = templates.fields()
    Folder(tmp_path).write(ID, b"no longer a template")
    assert templates.fields() == before, "the fields were read again"


def test_concurrent_replicas_see_whole_templates_or_none(replica: Callable[[], Store]) -> None:
    known = {ID: template("a"), OTHER: template("b")}
    replicas = [opened(replica(), max_cached=1) for _ in range(4)]

    def work(thread: int) -> int:
        templates, seen = replicas[thread % 4], 0
        for id in np.random.default_rng(thread).choice(list(known), 2):
            try:
                templates.add(id, known[id])
                assert templates.get(id) == known[id]
                seen += 1
                assert all(fields in ((), known[id].fields) for id, fields in templates.fields().items())
                templates.delete([id])
            except NotFound:  # another one deleted it
                continue
        return seen

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(work, range(8)))
        list(workers.map(lambda templates: templates.add(ID, known[ID]), replicas))
    assert [templates.get(ID) for templates in replicas] == [known[ID]] * 4


def test_an_address_is_a_folder_or_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    open_store(Settings.read({}).store(STORE)).write(ID, b"kept")
    assert (tmp_path / ".cache/aikit/templates" / f"{ID}.json").read_bytes() == b"kept"
    chosen = Settings.read({"AIKIT_TEMPLATE_STORE": "s3://kept/some/place"}).store(STORE)
    assert isinstance(open_store(chosen), Bucket)
    for wrong in ("s3://", "s3:///place", "gs://kept/place"):
        with pytest.raises(SettingsError, match=f"^AIKIT_TEMPLATE_STORE: '{wrong}', expected a folder or"):
            open_store(wrong)


def test_a_killed_writer_leaves_no_template_and_its_file_is_removed_later(tmp_path: Path) -> None:
    code = f"""if True:
        import resource, signal
        from pathlib import Path
        from containers.custom_ocr.store import Folder
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # writing beyond the limit kills the process
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        Folder(Path({str(tmp_path)!r})).write({ID!r}, bytes(5000))
    """
    ended = subprocess.run([sys.executable, "-B", "-c", code], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    (left,) = tmp_path.iterdir()
    store = Folder(tmp_path)
    assert store.ids() == []
    store.write(OTHER, b"")
    assert left.exists(), "it may still be being written"
    os.utime(left, (0, 0))
    store.write(ID, b"")
    assert not left.exists()
    assert store.ids() == [OTHER, ID]


def test_a_full_disk_makes_the_store_unavailable_and_loses_no_template(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Folder(tmp_path)
    store.write(ID, b"kept")
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(Unavailable, match=r"^the template store cannot be used at the moment"):
            store.write(ID, bytes(5000))
    finally:
        setrlimit(RLIMIT_FSIZE, before)
    assert "File too large" in caplog.text
    assert store.read(ID) == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == [f"{ID}.json"]


def test_a_folder_that_cannot_be_created_is_unavailable_and_the_error_has_no_internals(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Folder(tmp_path / "file" / "store")
    calls = (store.ids, lambda: store.write(ID, b""), lambda: store.read(ID), lambda: store.delete(ID))
    for call in (*calls, lambda: store.check(ID)):
        with pytest.raises(Unavailable) as caught:
            call()
        assert str(tmp_path) not in str(caught.value)


def test_other_files_in_the_folder_are_ignored(tmp_path: Path) -> None:
    (tmp_path / f"{OTHER}.json").mkdir()
    for name in ("notes.json", f"{OTHER}.JSON", f"x{OTHER}.json", f".{OTHER}.json.part"):
        (tmp_path / name).write_bytes(b"{}")
    store = Folder(tmp_path)
    store.write(ID, b"")
    assert store.ids() == [ID]


def test_templates_are_json_objects_under_the_prefix_and_other_objects_are_ignored(bucket: Any) -> None:
    for index, prefix in enumerate(("", "/", "a", "a/", "/b/c/")):
        Bucket("kept", prefix).write(f"{index}" * 40, b"{}")
    zeros, ones, twos, threes, fours = (f"{index}" * 40 for index in range(5))
    for name in (zeros, ones, f"a/{twos}", f"a/{threes}", f"b/c/{fours}"):
        assert bucket.head_object(Bucket="kept", Key=f"{name}.json")["ContentType"] == "application/json"
    for other in ("a/notes.json", f"a/{OTHER}.png", f"a/b/{OTHER}.json", f"aa/{OTHER}.json", "a/"):
        bucket.put_object(Bucket="kept", Key=other, Body=b"{}")
    assert Bucket("kept").ids() == [zeros, ones]
    assert Bucket("kept", "a").ids() == [twos, threes]


def test_a_list_of_several_pages_is_complete(bucket: Any) -> None:
    store = Bucket("kept", "a", page_size=2)
    ids = [f"{index:040x}" for index in range(7)]
    for id in reversed(ids):
        store.write(id, b"")
    assert store.ids() == ids


def test_s3_that_fails_is_unavailable_and_the_log_has_the_reason(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    absent = Bucket("nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    silent = Bucket("kept")
    for store in (absent, silent):
        for ask in (store.ids, lambda store=store: store.write(ID, b""), lambda store=store: store.read(ID)):
            with pytest.raises(Unavailable, match=r"^the template store cannot be used at the moment"):
                ask()
    assert "NoSuchBucket" in caplog.text
    assert "127.0.0.1:1" in caplog.text


def test_an_object_that_may_not_be_read_is_unavailable(bucket: Any) -> None:
    store = Bucket("kept")
    store.write(ID, b"")
    statement = '{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::kept/*"}'
    bucket.put_bucket_policy(Bucket="kept", Policy=f'{{"Version":"2012-10-17","Statement":[{statement}]}}')
    with pytest.raises(Unavailable):
        store.read(ID)
