import pytest

from s2kit.errors import AccessError, InputError, NotFoundError, TryLaterError
from s2kit.store.archive import Archive
from s2kit.store.folder import _translated
from s2kit.store.open import open_store

DATA = bytes(range(256)) * 10


@pytest.fixture
def store(tmp_path):
    for key in ("b/x.jp2", "b-1/y", "a.SAFE/manifest.safe", "a.SAFE/G/z", "c.SAFE.part/half", "d.part", ".s2kit.lock"):
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DATA)
    return open_store(Archive(name="mine", address=str(tmp_path)))


def test_a_folder_lists_in_key_order_what_is_complete(store):
    keys = [info.key for info in store.list()]
    assert keys == ["a.SAFE/G/z", "a.SAFE/manifest.safe", "b-1/y", "b/x.jp2"] == sorted(keys)
    assert [info.key for info in store.list("a.SAFE/m")] == ["a.SAFE/manifest.safe"]
    assert [info.key for info in store.list("b")] == ["b-1/y", "b/x.jp2"]
    assert list(store.list("none/")) == []
    assert list(store.folders("")) == ["a.SAFE/", "b-1/", "b/"]
    assert list(store.folders("a.SAFE/")) == ["a.SAFE/G/"]


def test_it_reads_ranges_and_bodies(store):
    tag = store.stat("b/x.jp2").etag
    assert store.read("b/x.jp2", 5, 10, if_match=tag) == DATA[5:15]
    assert store.read("b/x.jp2", len(DATA) - 1, 10) == DATA[-1:]
    with store.body("b/x.jp2", 7) as body:
        assert (body.info.nbytes, body.start) == (len(DATA), 7)
        assert b"".join(body.chunks) == DATA[7:]


def test_a_changed_file_is_noticed(store):
    tag = store.stat("b/x.jp2").etag
    store.root.joinpath("b/x.jp2").write_bytes(DATA + b"1")
    with pytest.raises(TryLaterError, match="changed"):
        store.read("b/x.jp2", if_match=tag)
    with pytest.raises(TryLaterError, match="changed"), store.body("b/x.jp2", if_match=tag):
        pass


def test_put_replaces_a_file_whole(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"new")
    assert store.put("new/folder/x", source).nbytes == 3
    assert store.put("b/x.jp2", source).key == "b/x.jp2"
    assert store.read("b/x.jp2") == b"new"
    assert not list(tmp_path.rglob("x*.part"))


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x"])
def test_no_key_leads_out_of_the_folder(store, key):
    with pytest.raises(InputError, match="does not name anything below"):
        store.read(key)


def test_what_cannot_be_read(store):
    for key in ("none", "b", "b/x.jp2/deeper"):
        with pytest.raises(NotFoundError):
            store.stat(key)
        with pytest.raises(NotFoundError), store.body(key):
            pass


def test_a_file_of_somebody_else(store):
    error = _translated(PermissionError(13, "Permission denied"), store.root / "b/x.jp2")
    assert isinstance(error, AccessError)
    assert "x.jp2: Permission denied" in str(error)
