"""Tokens of Azure containers: one a machine, asked for anew in time, sent nowhere else, shown nowhere."""

import logging
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from s2kit.errors import AccessError, ServiceError
from s2kit.run.redact import redacted
from s2kit.store import sas
from s2kit.store.archive import Archive
from s2kit.store.open import open_store
from support.http_server import serving
from support.planetary import planetary


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    sas._tokens.clear()


@pytest.fixture
def service(tmp_path):
    (tmp_path / "web" / "sentinel2-l2").mkdir(parents=True)
    (tmp_path / "web" / "sentinel2-l2" / "a.tif").write_bytes(b"0123456789")
    with planetary(tmp_path / "web") as running:
        yield running


def store_of(service):
    url = service.server.url
    return open_store(
        Archive(name="pc", address=f"{url}/sentinel2-l2", anonymous=True, sas_endpoint=f"{url}/sas/token")
    )


def test_one_token_serves_all_threads_and_processes(service):
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: store_of(service).read("a.tif", 2, 3), range(12))) == {b"234"}
    sas._tokens.clear()  # as another process begins
    assert store_of(service).stat("a.tif").nbytes == 10
    assert service.issued == 1


def test_the_file_of_a_token_is_for_its_user_only(service):
    store_of(service).read("a.tif")
    (folder,) = Path(tempfile.gettempdir()).glob("s2kit-sas-*")
    (file,) = folder.glob("*.json")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not stat.S_IMODE(folder.stat().st_mode) & 0o077
    assert b"signature1" in file.read_bytes()
    folder.chmod(0o755)  # anybody could read it: it is not used any more
    sas._tokens.clear()
    store_of(service).read("a.tif")
    assert service.issued == 2


def test_a_token_is_asked_for_anew_shortly_before_it_ends(service):
    service.life = sas.MARGIN - timedelta(seconds=10)
    store = store_of(service)
    store.read("a.tif", 0, 1)
    asked = service.issued
    service.life = timedelta(hours=1)
    store.read("a.tif", 0, 1)
    store.read("a.tif", 0, 1)
    assert service.issued == asked + 1


def test_a_refused_token_is_replaced_once(service):
    store = store_of(service)
    store.read("a.tif")
    service.valid.clear()
    assert store.read("a.tif") == b"0123456789"
    assert service.issued == 2
    service.valid = type("Nobody", (set,), {"add": lambda *_: None})()
    with pytest.raises(AccessError, match=r"a\.tif: access refused \(403\)$"):
        store_of(service).read("a.tif")
    assert service.issued == 3


def test_a_busy_token_service_is_waited_for(service):
    service.busy = 3
    assert store_of(service).read("a.tif", 0, 1) == b"0"
    assert (service.issued, len(service.asked("/sas/token"))) == (1, 4)


def test_another_host_gets_no_token(service, tmp_path):
    with serving(tmp_path / "web") as other:
        service.other = other.url
        assert store_of(service).read("a.tif") == b"0123456789"
        assert other.log
        assert all("sig" not in one.path and "sig" not in str(one.headers) for one in other.log)


def test_no_message_and_no_log_shows_it(service, caplog):
    with caplog.at_level(logging.DEBUG):
        store = store_of(service)
        store.read("a.tif")
        with pytest.raises(Exception, match="no such file") as caught:
            store.read("gone.tif")
    assert "sig" not in str(caught.value)
    token = sas.current_token(store.archive)
    assert "signature" not in repr(token)
    assert "signature" not in redacted(caplog.text)
    assert "signature" not in redacted(f"GET /a.tif?{token.text}")


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"no", b'{"token": ""}', b'{"token": "a b"}', b'{"token": "x\\n"}'])
def test_what_is_no_token_is_refused(tmp_path, answer):
    with serving(tmp_path) as server:
        server.files["sas/token"] = answer
        archive = Archive(name="pc", address=f"{server.url}/x", sas_endpoint=f"{server.url}/sas/token")
        with pytest.raises(ServiceError, match="token"):
            open_store(archive).read("a.tif")
