"""Bytes that come from archives are counted where they come in, if somebody asked for that."""

from pathlib import Path

import pytest

from s2kit.run import tally
from s2kit.store.archive import Archive
from s2kit.store.counted import CountedStore
from s2kit.store.folder import FolderStore
from s2kit.store.open import open_store
from s2kit.store.s3 import S3Store
from support.s3 import S3Server


def test_every_way_in_is_counted(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3_server.bucket()
    bucket.put("a/x", b"x" * 1000)
    archive = bucket.archive(name="far")
    assert isinstance(open_store(archive), S3Store)
    (tmp_path / "tally").touch()
    monkeypatch.setenv(tally.TALLY, str(tmp_path / "tally"))
    store = open_store(archive)
    assert isinstance(store, CountedStore)
    assert store.read("a/x", 10, 100) == b"x" * 100
    assert store.fetch("a/x", 0, 10).data == b"x" * 10
    assert store.stat("a/x").nbytes == 1000
    with store.body("a/x") as body:
        assert sum(len(chunk) for chunk in body.chunks) == 1000
    assert tally.totals() == {"archive requests far": 4, "archive bytes far": 1110}
    assert [one.key for one in store.list("a/")] == ["a/x"]
    assert list(store.folders("")) == ["a/"]
    assert isinstance(open_store(Archive(name="near", address=str(tmp_path))), FolderStore)
