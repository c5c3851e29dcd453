from concurrent.futures import ThreadPoolExecutor

from s2kit.jp2.index_cache import IndexCache, Learned
from s2kit.store.base import ObjectInfo

INFO = ObjectInfo("k", 1000, "tag")


def test_it_gives_back_what_it_was_given(tmp_path):
    cache = IndexCache(tmp_path / "new" / "folder")
    assert cache.get("s3://b/k", "k") is None
    learned = Learned(INFO, ((0, b"head"), (500, b"\n\xff\x90")))
    cache.put("s3://b/k", learned)
    assert cache.get("s3://b/k", "k") == learned
    assert cache.get("s3://other/k", "k") is None
    cache.forget("s3://b/k")
    cache.forget("s3://b/k")
    assert cache.get("s3://b/k", "k") is None


def test_runs_add_to_what_others_learned_of_the_same_object(tmp_path):
    cache = IndexCache(tmp_path)
    cache.put("a", Learned(INFO, ((0, b"head"), (10, b"long"))))
    cache.put("a", Learned(INFO, ((10, b"lo"), (20, b"x"))))
    assert cache.get("a", "k").pieces == ((0, b"head"), (10, b"long"), (20, b"x"))
    newer = Learned(ObjectInfo("k", 1000, "newer"), ((30, b"y"),))
    cache.put("a", newer)
    assert cache.get("a", "k") == newer


def test_objects_without_a_tag_are_not_kept(tmp_path):
    IndexCache(tmp_path).put("a", Learned(ObjectInfo("k", 5, None), ((0, b"x"),)))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = IndexCache(tmp_path / "file")
    cache.put("a", Learned(INFO, ((0, b"x"),)))
    assert cache.get("a", "k") is None


def test_many_runs_at_once_leave_one_whole_file(tmp_path):
    cache = IndexCache(tmp_path)

    def learn(number):
        cache.put("a", Learned(INFO, ((number, bytes([number])),)))
        return cache.get("a", "k")

    with ThreadPoolExecutor(8) as pool:
        assert all(found is not None for found in pool.map(learn, range(200)))
    assert [path.suffix for path in tmp_path.iterdir()] == [".idx"]


def test_a_flipped_byte_is_as_good_as_no_file(tmp_path):
    cache = IndexCache(tmp_path / "folder")
    learned = Learned(INFO, ((0, bytes(range(200))), (500, b"\n\xff\x90")))
    cache.put("a", learned)
    (path,) = (tmp_path / "folder").iterdir()
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert cache.get("a", "k") is None, at
    path.write_bytes(whole)
    assert cache.get("a", "k") == learned


def test_nobody_else_reads_the_folder(tmp_path):
    IndexCache(tmp_path / "folder").put("a", Learned(INFO, ((0, b"x"),)))
    (path,) = (tmp_path / "folder").iterdir()
    assert (tmp_path / "folder").stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0


def test_a_device_in_its_place_is_not_read(tmp_path):
    cache = IndexCache(tmp_path)
    cache.put("a", Learned(INFO, ((0, b"x"),)))
    (path,) = tmp_path.iterdir()
    path.unlink()
    path.symlink_to("/dev/zero")
    assert cache.get("a", "k") is None
