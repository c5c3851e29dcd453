import pickle
import re
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from s2kit.errors import AccessError, ConfigError, NotFoundError, OutputError, ServiceError, TryLaterError
from s2kit.store.archive import ARCHIVES, Archive
from s2kit.store.base import ObjectInfo
from s2kit.store.keys import Credentials, credentials_for
from s2kit.store.open import open_store
from s2kit.store.s3 import S3Store
from s2kit.store.s3_errors import from_answer
from support.http_server import Fault, always, first, serving

DATA = bytes(range(256)) * 40


@pytest.fixture
def bucket(s3_server):
    return s3_server.bucket()


@pytest.fixture
def quick(monkeypatch):
    """Requests are tried twice in all."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")


def test_a_bucket_lists_reads_and_stats(bucket):
    tag = bucket.put("tiles/31/T/a.jp2", DATA)
    bucket.put("tiles/31/T/b.jp2", b"x")
    bucket.put("tiles/32/T/c.jp2", b"y")
    store = open_store(bucket.archive())
    assert [info.key for info in store.list("tiles/31/")] == ["tiles/31/T/a.jp2", "tiles/31/T/b.jp2"]
    assert [info.key for info in store.list()] == bucket.keys()
    assert list(store.folders("tiles/")) == ["tiles/31/", "tiles/32/"]
    assert store.stat("tiles/31/T/a.jp2") == ObjectInfo("tiles/31/T/a.jp2", len(DATA), tag)
    assert store.read("tiles/31/T/a.jp2") == DATA
    assert store.read("tiles/31/T/a.jp2", 5, 10, if_match=tag) == DATA[5:15]
    assert store.read("tiles/31/T/a.jp2", 10_000) == DATA[10_000:]


def test_keys_are_below_the_archives_prefix(bucket):
    bucket.put("deep/er/a", b"1")
    bucket.put("deep/er/f/b", b"2")
    bucket.put("deeper", b"3")
    store = S3Store(bucket.archive("deep/er/"))
    assert [info.key for info in store.list()] == ["a", "f/b"]
    assert list(store.folders("")) == ["f/"]
    assert store.read("f/b") == b"2"


def test_ranges_at_and_beyond_the_end(bucket):
    bucket.put("a", DATA)
    store = S3Store(bucket.archive())
    assert store.read("a", len(DATA) - 3, 100) == DATA[-3:]
    assert store.read("a", len(DATA), 10) == b""
    assert store.read("a", 0, 0) == b""
    bucket.put("empty", b"")
    assert store.read("empty") == b""


def test_a_body_comes_in_chunks_from_an_offset(bucket):
    tag = bucket.put("a", DATA * 300)
    store = S3Store(bucket.archive())
    with store.body("a", 1000, if_match=tag) as body:
        assert body.info == ObjectInfo("a", len(DATA) * 300, tag)
        assert body.start == 1000
        assert b"".join(body.chunks) == (DATA * 300)[1000:]
    with store.body("a", len(DATA) * 300) as body:
        assert list(body.chunks) == []


def test_put_and_copies_at_the_far_side(bucket, tmp_path):
    source = tmp_path / "a.jp2"
    source.write_bytes(DATA)
    store = S3Store(bucket.archive("out"))
    info = store.put("x/a.jp2", source)
    assert info.nbytes == len(DATA)
    assert bucket.get("out/x/a.jp2") == DATA
    other = S3Store(bucket.archive("copies"))
    assert other.copies_from(store)
    assert other.copy_from(store, "x/a.jp2", "b.jp2", if_match=info.etag).etag == info.etag
    assert bucket.get("copies/b.jp2") == DATA
    with pytest.raises(TryLaterError, match="changed"):
        other.copy_from(store, "x/a.jp2", "c.jp2", if_match="0" * 32)
    assert not other.copies_from(S3Store(bucket.archive(endpoint_url="http://127.0.0.1:9")))


def test_an_upload_that_fails_names_the_reason(bucket, tmp_path, quick):
    source = tmp_path / "a"
    source.write_bytes(b"1")
    with pytest.raises(NotFoundError, match="no such bucket"):
        S3Store(replace(bucket.archive(), address="s3://no-such-bucket")).put("a", source)
    with pytest.raises(OutputError):
        S3Store(bucket.archive()).put("a", tmp_path / "none")


def test_what_is_not_there(bucket):
    store = S3Store(bucket.archive())
    for ask in (store.stat, store.read):
        with pytest.raises(NotFoundError, match=f"s3://{bucket.name}/none"):
            ask("none")
    with pytest.raises(NotFoundError, match="no such bucket"):
        list(S3Store(replace(bucket.archive(), address="s3://no-such-bucket")).list())


def test_a_changed_object_is_noticed(bucket):
    old = bucket.put("a", DATA)
    bucket.put("a", DATA[::-1])
    store = S3Store(bucket.archive())
    with pytest.raises(TryLaterError, match="changed while it was being read"):
        store.read("a", 0, 10, if_match=old)
    with pytest.raises(TryLaterError, match="changed"), store.body("a", 5, if_match=old):
        pass


def test_a_server_that_ignores_if_match_is_caught_by_its_tag():
    with serving(files={"b/a": DATA}, hook=always(Fault(ignore_match=True))) as server:
        store = S3Store(Archive(name="x", address="s3://b", endpoint_url=server.url, region="r", anonymous=True))
        with pytest.raises(TryLaterError, match="changed"):
            store.read("a", 0, 10, if_match="0" * 32)


def test_a_server_that_ignores_ranges_still_gives_the_right_bytes():
    with serving(files={"b/a": DATA}, hook=always(Fault(ignore_range=True))) as server:
        store = S3Store(Archive(name="x", address="s3://b", endpoint_url=server.url, region="r", anonymous=True))
        assert store.read("a", 100, 10) == DATA[100:110]
        assert store.read("a", 10_200) == DATA[10_200:]
        with store.body("a", 100) as body:
            assert body.start == 0
            assert b"".join(body.chunks) == DATA


def test_requester_pays_is_declared_for_every_request(bucket, tmp_path):
    bucket.put("a/b", DATA)
    source = tmp_path / "c"
    source.write_bytes(b"1")
    with serving(upstream=bucket.endpoint_url) as proxy:
        store = S3Store(bucket.archive(endpoint_url=proxy.url, requester_pays=True))
        list(store.list())
        list(store.folders("a/"))
        store.stat("a/b")
        store.read("a/b", 0, 5)
        with store.body("a/b") as body:
            list(body.chunks)
        store.copy_from(store, "a/b", "a/c")
        assert len(proxy.log) == 8
        assert {request.headers.get("x-amz-request-payer") for request in proxy.log} == {"requester"}
        proxy.forget()
        S3Store(bucket.archive(endpoint_url=proxy.url)).stat("a/b")
        assert "x-amz-request-payer" not in proxy.log[0].headers


def test_anonymous_requests_are_not_signed(s3_server):
    bucket = s3_server.bucket(public=True)
    bucket.put("a", DATA)
    with serving(upstream=bucket.endpoint_url) as proxy:
        S3Store(bucket.archive(endpoint_url=proxy.url, anonymous=True)).stat("a")
        S3Store(bucket.archive(endpoint_url=proxy.url)).stat("a")
        assert "Authorization" not in proxy.log[0].headers
        assert "AWS4-HMAC-SHA256" in proxy.log[1].headers["Authorization"]
        assert proxy.log[0].path.startswith(f"/{bucket.name}/a")


def test_google_addresses_use_its_endpoint(bucket):
    store = S3Store(replace(bucket.archive(), address="gs://some-bucket", endpoint_url=None, anonymous=True))
    assert store._endpoint == "https://storage.googleapis.com"
    assert store.bucket == "some-bucket"


def test_a_profiles_keys_come_from_the_environment(bucket, monkeypatch):
    assert credentials_for(ARCHIVES["cdse"]) is None
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "KEY-OF-CDSE")
    monkeypatch.setenv("CDSE_S3_SECRET", "hush")
    found = credentials_for(ARCHIVES["cdse"])
    assert found == Credentials("KEY-OF-CDSE", "hush")
    assert "hush" not in repr(found)
    bucket.put("a", b"1")
    with serving(upstream=bucket.endpoint_url) as proxy:
        S3Store(bucket.archive(endpoint_url=proxy.url, profile="cdse")).stat("a")
        assert "KEY-OF-CDSE" in proxy.log[0].headers["Authorization"]


def test_no_keys_and_no_profile_say_where_to_put_them(bucket, monkeypatch):
    with pytest.raises(AccessError, match="cdse") as caught:
        S3Store(bucket.archive(profile="cdse"))
    assert "CDSE_S3_ACCESS_KEY" in caught.value.hint
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccessError, match="no usable credentials") as caught:
        S3Store(bucket.archive()).stat("a")
    assert "AWS_PROFILE" in caught.value.hint


def _refusing(code: str, status: int = 403) -> Fault:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    return Fault(status=status, body=body, headers={"Content-Type": "application/xml"})


@pytest.mark.parametrize(
    ("fault", "options", "kind", "words"),
    [
        (_refusing("AccessDenied"), {}, AccessError, "needs requester pays .* lacks s3:GetObject.* token has expired"),
        (_refusing("AccessDenied"), {"requester_pays": True}, AccessError, "requester pays was declared.*s3:GetObject"),
        (_refusing("AccessDenied"), {"anonymous": True}, AccessError, "anonymous = false"),
        (_refusing("ExpiredToken", 400), {}, AccessError, "sign in again"),
        (_refusing("InvalidAccessKeyId"), {}, AccessError, "AWS_PROFILE"),
        (_refusing("RequestTimeTooSkewed"), {}, AccessError, "clock"),
        (_refusing("NoSuchKey", 404), {}, NotFoundError, "holds"),
        (_refusing("InvalidObjectState"), {}, NotFoundError, "another archive"),
        (_refusing("SlowDown", 503), {}, TryLaterError, "later"),
        (_refusing("TooManyRequests", 429), {}, TryLaterError, "later"),
        (_refusing("InternalError", 500), {}, TryLaterError, "later"),
        (_refusing("Nonsense", 400), {}, ServiceError, "speaks S3"),
        (Fault(reset=True), {}, TryLaterError, "network"),
    ],
)
def test_refusals_are_told_apart(bucket, quick, fault, options, kind, words):
    with serving(upstream=bucket.endpoint_url, hook=always(fault)) as proxy:
        store = S3Store(bucket.archive(endpoint_url=proxy.url, **options))
        with pytest.raises(kind) as caught:
            store.read("a")
    assert re.search(words, caught.value.hint)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_another_region_is_a_matter_of_settings():
    answer = {"Error": {"Code": "PermanentRedirect"}, "ResponseMetadata": {"HTTPStatusCode": 301}}
    error = from_answer(ClientError(answer, "GetObject"), Archive(name="mine", address="s3://b"), "s3://b/a")
    assert isinstance(error, ConfigError)
    assert "archives.mine" in error.hint


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(status=500), Fault(reset=True), Fault(truncate=100)], ids=repr
)
def test_passing_faults_are_overcome(bucket, fault):
    tag = bucket.put("a", DATA)
    with serving(upstream=bucket.endpoint_url, hook=first(2, fault, method="GET")) as proxy:
        store = S3Store(bucket.archive(endpoint_url=proxy.url))
        assert store.read("a", 0, 5000, if_match=tag) == DATA[:5000]
        assert len(proxy.gets) == 3


def test_a_body_that_breaks_off_is_a_passing_fault(bucket):
    bucket.put("a", DATA)
    with serving(upstream=bucket.endpoint_url, hook=always(Fault(truncate=100))) as proxy:
        store = S3Store(bucket.archive(endpoint_url=proxy.url))
        with pytest.raises(TryLaterError, match="broke off"), store.body("a") as body:
            list(body.chunks)


def test_nobody_at_the_endpoint(bucket, quick):
    with pytest.raises(TryLaterError, match=r"^s3://[^ ]+: 127\.0\.0\.1:9 cannot be reached$"):
        S3Store(bucket.archive(endpoint_url="http://127.0.0.1:9")).stat("a")
