"""One kind of session: whom it tells a password, what it tries again, what it says when nothing comes back."""

import time
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from s2kit.catalogue.transport import Transport
from s2kit.errors import AccessError, ServiceError, TryLaterError
from s2kit.run.deadline import Deadline
from s2kit.store.archive import Archive
from s2kit.store.http import Login, host_of, new_session
from s2kit.store.https import HttpsStore
from s2kit.store.probe import probe
from support.catalogue_server import Answer, CatalogueServer
from support.tls import https_server, make_certificate, refusing_proxy


def fetch(url: str, login: Login | None = None) -> bytes:
    return Transport(Deadline(20), login).fetch("GET", url)


@pytest.fixture
def server():
    with CatalogueServer(lambda request: Answer(200, b"{}")) as running:
        yield running


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "http://me:hushhush@192.0.2.1/x"])
def test_a_password_is_not_sent_unencrypted(url: str) -> None:
    login = Login("me", "hushhush", "192.0.2.1")
    with pytest.raises(AccessError, match="not sent unencrypted") as caught:
        fetch(url, login)
    assert "hushhush" not in f"{caught.value}{caught.value.hint}"


def test_a_login_goes_to_its_own_host_only(server: CatalogueServer) -> None:
    fetch(server.url, Login("me", "hush", host_of(server.url)))
    fetch(server.url, Login("me", "hush", "elsewhere.example"))
    assert ["Authorization" in request.headers for request in server.requests] == [True, False]


def test_a_redirect_to_another_host_takes_no_login_along(server: CatalogueServer) -> None:
    port = server.url.rpartition(":")[2]
    server.faults = [Answer(302, b"", {"Location": f"http://localhost:{port}/there"})]
    fetch(server.url, Login("me", "hush", host_of(server.url)))
    assert ["Authorization" in request.headers for request in server.requests] == [True, False]


def test_the_netrc_is_for_protected_hosts(
    server: CatalogueServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    session = new_session(HTTPAdapter())
    for url, sent in ((server.url, True), ("https://192.0.2.1/", True), ("http://192.0.2.1/", False)):
        prepared = session.prepare_request(requests.Request("GET", url))
        assert ("Authorization" in prepared.headers) is sent, url


def test_a_certificate_that_is_not_trusted_ends_at_once_with_77(tmp_path: Path) -> None:
    with https_server(make_certificate(tmp_path)) as url:
        started = time.monotonic()
        for ask in (lambda: fetch(url), lambda: HttpsStore(Archive(name="web", address=url)).stat("a")):
            with pytest.raises(AccessError, match="certificate is not trusted: self-signed") as caught:
                ask()
            assert caught.value.exit_code == 77
        assert "certificate is not trusted" in probe(url).error
        assert time.monotonic() - started < 10


def test_a_certificate_that_the_user_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with https_server(certificate) as url:
        assert fetch(url) == b"{}"


def test_no_redirect_leads_from_https_to_http(
    server: CatalogueServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with https_server(certificate, location=server.url) as url, pytest.raises(ServiceError, match="from https to http"):
        fetch(url)
    assert not server.requests


def test_plain_http_where_https_is_spoken_is_no_passing_fault(server: CatalogueServer) -> None:
    started = time.monotonic()
    with pytest.raises(AccessError, match="no secure connection"):
        fetch(server.url.replace("http:", "https:"))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("status", "words"),
    [("407 Proxy Authentication Required", "wants user and password"), ("403 Forbidden", "refuses to connect")],
)
def test_a_proxy_that_refuses_is_named(status: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.monotonic()
    with refusing_proxy(status) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.replace("//", "//me:hush@"))
        with pytest.raises(AccessError, match=f"the proxy {proxy.removeprefix('http://')} {words}"):
            fetch("https://catalogue.invalid/v1")
        if "407" in status:
            monkeypatch.setenv("HTTP_PROXY", proxy)
            with pytest.raises(AccessError, match="wants user and password"):
                fetch("http://catalogue.invalid/v1")
    assert time.monotonic() - started < 10


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(TryLaterError, match=r"the proxy 127\.0\.0\.1:9 cannot be reached"):
        fetch("https://catalogue.invalid/v1")


def test_a_name_without_an_address_is_told_as_such() -> None:
    with pytest.raises(TryLaterError, match="no address is known for this name") as caught:
        fetch("https://catalogue.invalid/v1")
    assert "spelling" in str(caught.value.hint)


def test_a_long_wait_is_reported_and_not_begun(server: CatalogueServer) -> None:
    server.faults = [Answer(503, b"", {"Retry-After": "7200"})]
    with pytest.raises(TryLaterError, match=r"127\.0\.0\.1 is busy and asks to wait 2\.0 h") as caught:
        HttpsStore(Archive(name="web", address=server.url)).stat("a")
    assert "run again in 2.0 h" in str(caught.value.hint)
