"""What stands between the store and its users: gateways that tell no size, bytes that are no longer the file's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from s2kit.errors import AccessError, ConfigError, InputError
from s2kit.store.archive import Archive
from s2kit.store.base import Store
from s2kit.store.open import open_store
from support.catalogue_server import Answer, CatalogueServer
from support.gateway import chunked_gateway
from support.tls import https_server, make_certificate

DATA = bytes(range(256)) * 40


def by_s3(url: str) -> Archive:
    return Archive(name="mine", address="s3://bucket", endpoint_url=url, region="us-east-1", anonymous=True)


def by_https(url: str) -> Archive:
    return Archive(name="mine", address=f"{url}/bucket")


both = pytest.mark.parametrize("archive", [by_s3, by_https])


@both
@pytest.mark.parametrize("ranges", [True, False])
def test_a_body_without_a_length_is_read(archive: Callable[[str], Archive], ranges: bool) -> None:
    with chunked_gateway({"bucket/a.jp2": DATA}, ranges=ranges) as url:
        store: Store = open_store(archive(url))
        assert store.stat("a.jp2").nbytes == len(DATA)
        assert store.read("a.jp2") == DATA
        assert store.read("a.jp2", 100, 50) == DATA[100:150]
        with store.body("a.jp2") as body:
            assert body.info.nbytes == len(DATA)
            assert b"".join(body.chunks) == DATA


@both
def test_compressed_objects_are_not_taken_for_pixels(archive: Callable[[str], Archive]) -> None:
    with chunked_gateway({"bucket/a.jp2": DATA}, ranges=True, headers={"Content-Encoding": "gzip"}) as url:
        store = open_store(archive(url))
        for ask in (lambda: store.stat("a.jp2"), lambda: store.read("a.jp2", 0, 10), lambda: store.read("a.jp2")):
            with pytest.raises(InputError, match="stored compressed"):
                ask()
    with chunked_gateway({"bucket/a.jp2": DATA}, ranges=True, headers={"Content-Encoding": "aws-chunked"}) as url:
        assert open_store(archive(url)).read("a.jp2") == DATA


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-9</Region></Error>"),
        Answer(400, b"", {"x-amz-bucket-region": "eu-west-9"}),
        Answer(301, b"<Error><Code>PermanentRedirect</Code></Error>", {"x-amz-bucket-region": "eu-west-9"}),
    ],
)
def test_a_wrong_region_is_told_as_a_region(answer: Answer) -> None:
    with (
        CatalogueServer(lambda request: answer) as server,
        pytest.raises(ConfigError, match="region eu-west-9, not us-east-1") as caught,
    ):
        open_store(by_s3(server.url)).read("a")
    assert caught.value.hint == 'set region = "eu-west-9" for archives.mine'


def test_a_certificate_that_is_not_trusted_is_77(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with (
        https_server(make_certificate(tmp_path)) as url,
        pytest.raises(AccessError, match="no secure connection") as caught,
    ):
        open_store(by_s3(url)).stat("a")
    assert "AWS_CA_BUNDLE" in str(caught.value.hint)
