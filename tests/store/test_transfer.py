"""One object, one file: over a real server that spoils, cuts, ignores and replaces."""

import errno
from pathlib import Path
from typing import IO

import pytest

from s2kit.errors import DiskError, NotFoundError, OutputError, TryLaterError
from s2kit.store import transfer
from s2kit.store.archive import Archive
from s2kit.store.hashes import is_md5, new_hash
from s2kit.store.https import HttpsStore
from s2kit.store.part_file import open_part
from s2kit.store.transfer import (
    Budget,
    Fetched,
    ProofError,
    StoppedError,
    Wanted,
    fetch,
    hash_file,
    part_of,
    parts_of,
)
from support.http_server import Fault, RangeServer, always, first, serving

DATA = bytes(range(256)) * 12_000
KEY = "B04.jp2"


def digest(data: bytes = DATA) -> str:
    return hash_of("MD5", data)


def hash_of(algorithm, data: bytes) -> str:
    value = new_hash(algorithm)
    value.update(data)
    return value.hexdigest()


def get(server: RangeServer, target: Path, budget: Budget | None = None, **options: object) -> Fetched:
    store = HttpsStore(Archive(name="here", address=server.url), retries=0)
    info = options.pop("info", None) or store.stat(KEY)
    wanted = Wanted(info, target, **{"algorithm": "MD5", "checksum": digest(), **options})  # type: ignore[arg-type]
    return fetch(store, wanted, budget or Budget(stall_s=60, attempts=3))


def test_an_object_becomes_a_proven_file(tmp_path):
    with serving(files={KEY: DATA}) as server:
        done = get(server, tmp_path / "deep" / "B04.jp2")
    assert done == Fetched(len(DATA), len(DATA), "manifest")
    assert (tmp_path / "deep" / "B04.jp2").read_bytes() == DATA
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["B04.jp2"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA3-256"])
def test_what_is_left_of_an_earlier_run_is_continued(algorithm, tmp_path):
    target = tmp_path / KEY
    with serving(files={KEY: DATA}) as server:
        tag = HttpsStore(Archive(name="here", address=server.url)).stat(KEY).etag
        part_of(target, tag).write_bytes(DATA[:1_000_001])
        part_of(target, "another").write_bytes(b"of an object that is gone")
        server.forget()
        done = get(server, target, algorithm=algorithm, checksum=hash_of(algorithm, DATA))
        (request,) = server.gets
        assert request.range == "bytes=1000001-"
        assert request.headers["If-Match"].strip('"') == tag
    assert done.moved == len(DATA) - 1_000_001
    assert parts_of(target) == []


def test_a_part_that_is_whole_asks_for_nothing(tmp_path):
    target = tmp_path / KEY
    with serving(files={KEY: DATA}) as server:
        store = HttpsStore(Archive(name="here", address=server.url))
        info = store.stat(KEY)
        part_of(target, info.etag).write_bytes(DATA)
        server.forget()
        assert get(server, target, info=info).moved == 0
        assert server.gets == []


@pytest.mark.parametrize("left", [b"?" * 999, b"?" * (len(DATA) + 5)], ids=["wrong", "too long"])
def test_a_part_that_is_wrong_is_thrown_away(left, tmp_path):
    target = tmp_path / KEY
    with serving(files={KEY: DATA}) as server:
        tag = HttpsStore(Archive(name="here", address=server.url)).stat(KEY).etag
        part_of(target, tag).write_bytes(left)
        get(server, target)
    assert target.read_bytes() == DATA


def test_a_server_without_ranges_sends_all_again(tmp_path):
    hooks = [Fault(truncate=2_000_000), Fault(ignore_range=True)]
    with serving(files={KEY: DATA}, hook=lambda r: hooks.pop(0) if r.method == "GET" and hooks else None) as server:
        done = get(server, tmp_path / KEY)
    assert done.moved > len(DATA)
    assert (tmp_path / KEY).read_bytes() == DATA


def test_a_flipped_byte_costs_one_more_transfer(tmp_path):
    with serving(files={KEY: DATA}, hook=first(1, Fault(flip=77), method="GET")) as server:
        assert get(server, tmp_path / KEY).moved == 2 * len(DATA)
    assert (tmp_path / KEY).read_bytes() == DATA


def test_bytes_that_are_always_wrong_never_get_the_name(tmp_path):
    with (
        serving(files={KEY: DATA}, hook=always(Fault(flip=77))) as server,
        pytest.raises(ProofError, match=r"MD5 is .*, the manifest says"),
    ):
        get(server, tmp_path / KEY)
    assert not (tmp_path / KEY).exists()
    assert len(parts_of(tmp_path / KEY)) == 1


def test_without_a_manifest_the_servers_md5_is_the_witness(tmp_path):
    with serving(files={KEY: DATA}, hook=first(1, Fault(flip=5), method="GET")) as server:
        assert get(server, tmp_path / KEY, algorithm=None, checksum=None).proof == "etag"
    with serving(files={KEY: DATA}, tags=False) as server:
        assert get(server, tmp_path / "other", algorithm=None, checksum=None).proof == "size"


def test_an_object_that_is_replaced_is_begun_again(tmp_path):
    new = DATA[::-1]

    def replace(request):
        if request.method == "GET" and request.range is None and server.files[KEY] is DATA:
            return Fault(truncate=1_500_000)
        server.files[KEY] = new
        return None

    with serving(files={KEY: DATA}) as server:
        info = HttpsStore(Archive(name="here", address=server.url)).stat(KEY)
        server.hook = replace
        get(server, tmp_path / KEY, info=info, checksum=digest(new))
    assert (tmp_path / KEY).read_bytes() == new


def test_faults_without_end_are_given_up(tmp_path):
    with serving(files={KEY: DATA}) as server:
        info = HttpsStore(Archive(name="here", address=server.url)).stat(KEY)
        server.hook = always(Fault(truncate=10))
        with pytest.raises(TryLaterError, match="broke off"):
            get(server, tmp_path / KEY, info=info)
        assert 3 <= len(server.gets) <= 4


def test_progress_renews_the_patience(tmp_path):
    """Seven breaks, each after some progress, with three attempts in a row allowed."""
    data = DATA * 3
    with serving(files={KEY: data}, hook=first(7, Fault(truncate=1_200_000), method="GET")) as server:
        assert get(server, tmp_path / KEY, checksum=digest(data)).nbytes == len(data)
        assert len(server.gets) == 8


def test_a_stopped_run_stops(tmp_path):
    budget = Budget(attempts=3)
    budget.stop()
    with serving(files={KEY: DATA}) as server, pytest.raises(StoppedError, match="interrupted"):
        get(server, tmp_path / KEY, budget)
    with serving(files={KEY: DATA}) as server, pytest.raises(StoppedError, match="time for this run"):
        get(server, tmp_path / KEY, Budget(timeout_s=-1))


def test_an_object_that_is_gone_is_not_found(tmp_path):
    with serving(files={KEY: DATA}) as server:
        info = HttpsStore(Archive(name="here", address=server.url)).stat(KEY)
        server.files.clear()
        with pytest.raises(NotFoundError):
            get(server, tmp_path / KEY, info=info)


def test_a_target_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with serving(files={KEY: DATA}) as server, pytest.raises(OutputError):
        get(server, tmp_path / "file" / KEY)


def test_files_are_hashed_whole_or_in_part(tmp_path):
    (tmp_path / "x").write_bytes(DATA)
    assert hash_file(tmp_path / "x", "SHA3-256") == hash_of("SHA3-256", DATA)
    assert hash_file(tmp_path / "x", "MD5", 1_048_577) == hash_of("MD5", DATA[:1_048_577])


def test_multipart_tags_are_no_md5():
    assert is_md5("0123456789abcdef" * 2)
    assert not is_md5("0123456789abcdef" * 2 + "-2")
    assert not is_md5("0123456789ABCDEF" * 2)
    assert not is_md5(None)


def opened_parts(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """Every part that is opened from now on."""
    found: list[IO[bytes]] = []

    def noted(path: Path) -> IO[bytes]:
        found.append(open_part(path))
        return found[-1]

    monkeypatch.setattr(transfer, "open_part", noted)
    return found


def test_a_part_that_cannot_be_read_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = opened_parts(monkeypatch)

    def unreadable(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(transfer, "_feed", unreadable)
    with serving(files={KEY: DATA}) as server, pytest.raises(DiskError):
        get(server, tmp_path / KEY)
    assert [part.closed for part in parts] == [True]
