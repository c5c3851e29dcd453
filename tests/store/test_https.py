import pickle

import pytest

from s2kit.errors import AccessError, NotFoundError, OutputError, ServiceError, TryLaterError
from s2kit.store.archive import Archive
from s2kit.store.base import ObjectInfo
from s2kit.store.https import HttpsStore
from s2kit.store.open import open_store
from support.http_server import Fault, always, first, serving

DATA = bytes(range(256)) * 40


@pytest.fixture
def server():
    with serving(files={"d/a.jp2": DATA, "d/empty": b""}) as running:
        yield running


def store_of(server, **options) -> HttpsStore:
    return HttpsStore(Archive(name="web", address=f"{server.url}/d"), **options)


def test_it_stats_and_reads_ranges(server):
    store = open_store(Archive(name="web", address=f"{server.url}/d/"))
    info = store.stat("a.jp2")
    assert (info.key, info.nbytes) == ("a.jp2", len(DATA))
    assert store.read("a.jp2", 5, 10, if_match=info.etag) == DATA[5:15]
    assert store.read("a.jp2") == DATA
    assert store.read("a.jp2", 10_200) == DATA[10_200:]
    assert store.read("a.jp2", 10_200, 10_000) == DATA[10_200:]
    assert store.read("a.jp2", len(DATA), 5) == b""
    assert store.read("a.jp2", 0, 0) == b""
    assert store.read("empty") == b""
    assert {request.headers.get("Accept-Encoding") for request in server.log} == {"identity"}


def test_a_body_from_an_offset(server):
    store = store_of(server)
    with store.body("a.jp2", 1000) as body:
        assert body.info == store.stat("a.jp2")
        assert body.start == 1000
        assert b"".join(body.chunks) == DATA[1000:]
    with store.body("a.jp2", len(DATA)) as body:
        assert list(body.chunks) == []


def test_keys_are_quoted_and_addresses_may_be_whole(server):
    server.files["d/a b#c.jp2"] = b"odd"
    assert store_of(server).read("a b#c.jp2") == b"odd"
    assert HttpsStore(Archive(name="x", address=f"{server.url}/d/a.jp2")).read("", 0, 3) == DATA[:3]


def test_a_server_that_ignores_ranges(server):
    server.hook = always(Fault(ignore_range=True))
    store = store_of(server)
    assert store.read("a.jp2", 100, 10) == DATA[100:110]
    with store.body("a.jp2", 100) as body:
        assert body.start == 0


def test_a_server_that_knows_no_head(server):
    server.hook = lambda request: Fault(status=405) if request.method == "HEAD" else None
    assert store_of(server).stat("a.jp2").nbytes == len(DATA)


def test_a_changed_file_is_noticed(server):
    store = store_of(server)
    tag = store.stat("a.jp2").etag
    server.files["d/a.jp2"] = DATA[::-1]
    with pytest.raises(TryLaterError, match="changed while it was being read"):
        store.read("a.jp2", 0, 10, if_match=tag)
    server.hook = always(Fault(ignore_match=True))
    with pytest.raises(TryLaterError, match="changed"):
        store.read("a.jp2", 0, 10, if_match=tag)


@pytest.mark.parametrize(
    ("headers", "etag"),
    [
        ({"ETag": '"abc"'}, "abc"),
        (
            {"ETag": 'W/"abc"', "Last-Modified": "Fri, 20 Nov 2026 12:00:00 GMT"},
            "last-modified Fri, 20 Nov 2026 12:00:00 GMT",
        ),
        ({}, None),
    ],
)
def test_tags_that_prove_something(server, headers, etag):
    server.hook = always(Fault(status=200, headers=headers, body=DATA))
    store = store_of(server)
    assert store.stat("a.jp2") == ObjectInfo("a.jp2", len(DATA), etag)
    assert store.read("a.jp2", 3, 4, if_match=etag) == DATA[3:7]
    sent = server.log[-1].headers
    assert sent.get("If-Match") == ('"abc"' if etag == "abc" else None)
    assert sent.get("If-Unmodified-Since") == ("Fri, 20 Nov 2026 12:00:00 GMT" if etag and etag != "abc" else None)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault(status=404), NotFoundError, "no such file"),
        (Fault(status=410), NotFoundError, "no such file"),
        (Fault(status=401), AccessError, "refused"),
        (Fault(status=403), AccessError, "refused"),
        (Fault(status=503), TryLaterError, "busy"),
        (Fault(status=429), TryLaterError, "busy"),
        (Fault(status=400), ServiceError, "400"),
        (Fault(reset=True), TryLaterError, "no answer"),
        (Fault(status=206, body=b"12", headers={}), ServiceError, "how large"),
        (Fault(truncate=100), TryLaterError, "broke off"),
    ],
    ids=repr,
)
def test_what_can_go_wrong(server, fault, kind, words):
    server.hook = always(fault)
    with pytest.raises(kind, match=words) as caught:
        store_of(server, retries=1).read("a.jp2")
    assert "a.jp2" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503), Fault(status=429, headers={"Retry-After": "0"}), Fault(reset=True), Fault(truncate=9)],
    ids=repr,
)
def test_passing_faults_are_overcome(server, fault):
    server.hook = first(2, fault)
    assert store_of(server).read("a.jp2", 50, 100) == DATA[50:150]
    assert len(server.gets) == 3


def test_retry_after_is_honoured(server):
    server.hook = first(1, Fault(status=503, headers={"Retry-After": "1"}))
    store_of(server).read("a.jp2", 0, 5)
    assert server.log[1].at - server.log[0].at >= 1.0


def test_nobody_there_and_no_address():
    with pytest.raises(TryLaterError, match=r"127\.0\.0\.1:9/a"):
        HttpsStore(Archive(name="x", address="http://127.0.0.1:9"), retries=0).stat("a")
    with pytest.raises(NotFoundError, match="not an address"):
        HttpsStore(Archive(name="x", address="http://"), retries=0).stat("a")


def test_signatures_in_an_address_are_not_told(server):
    store = HttpsStore(Archive(name="x", address=server.url))
    with pytest.raises(NotFoundError) as caught:
        store.read("none.jp2?sig=hush")
    assert "hush" not in str(caught.value)


def test_plain_web_servers_do_not_list_or_store(server, tmp_path):
    store = store_of(server)
    with pytest.raises(ServiceError, match="cannot be listed"):
        list(store.list())
    with pytest.raises(ServiceError, match="cannot be listed"):
        list(store.folders(""))
    with pytest.raises(OutputError, match="cannot be stored"):
        store.put("b", tmp_path / "b")


def test_googles_addresses_are_buckets():
    store = HttpsStore(Archive(name="x", address="https://storage.googleapis.com/some-bucket/L2"))
    bucket = store._bucket()
    assert (bucket.bucket, bucket._prefix, bucket.archive.anonymous) == ("some-bucket", "L2/", True)
