"""The root of trust: the manifest is proven, whatever hangs on it counts only for this very manifest."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from s2kit.catalogue.base import CatalogueSource
from s2kit.download import DownloadRequest, ProductResult, Status, download
from s2kit.download.record import DownloadRecord
from s2kit.download.request import Arrangement
from s2kit.download.verify import Verdict, verify
from s2kit.errors import TryLaterError
from s2kit.product.ref import ProductRef
from s2kit.product.subset import Subset
from s2kit.run.events import Advanced, Event, Note
from s2kit.store.archive import Archive, Layout
from s2kit.store.hashes import new_hash
from support.aws_trees import L1C, AwsProduct, expected_tree, make_product, put_product, tree_of
from support.proxies import proxied
from support.s3 import Bucket, S3Server


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")


@pytest.fixture(scope="module")
def product() -> AwsProduct:
    return make_product(L1C)


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return s3_server.bucket()


def fetch(bucket: Bucket, out: Path, endpoint: str | None = None, **options: object) -> ProductResult:
    archive = bucket.archive(layout=Layout.AWS_S2, **({} if endpoint is None else {"endpoint_url": endpoint}))
    return fetch_from(archive, out, **options)


def fetch_from(archive: Archive, out: Path, report: object = lambda event: None, **options: object) -> ProductResult:
    request = DownloadRequest(out=str(out), archives={archive.name: archive}, archive=archive.name, **options)  # type: ignore[arg-type]
    (result,) = download([ProductRef(L1C)], request, report)  # type: ignore[arg-type]
    return result


def put_in_one_part(bucket: Bucket, key: str, data: bytes) -> None:
    """An object whose tag is no MD5."""
    client = bucket.client
    upload = client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    part = client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=data)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    client.complete_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload, MultipartUpload=parts)


def record_of(out: Path) -> DownloadRecord:
    return DownloadRecord.from_json((out / f"{L1C}.SAFE.s2kit.json").read_bytes())


@pytest.mark.parametrize("tag", ["md5", "multipart"])
@pytest.mark.parametrize("path", ["manifest.safe", "productInfo.json", "tileInfo.json"])
def test_metadata_that_was_spoilt_on_its_way_is_read_again(path, tag, product, bucket, tmp_path):
    put_product(bucket, product)
    key = next(key for key in product.objects if key.endswith(path))
    if tag == "multipart":
        put_in_one_part(bucket, key, product.objects[key])
    for fault in ("flip", "truncate"):
        with proxied(bucket.endpoint_url, tmp_path / "log", {"fault": fault, "path": key, "times": 1}) as proxy:
            result = fetch(bucket, tmp_path / fault, proxy.url)
            assert result.error is None
            assert len(proxy.gets(key)) >= 2
        assert tree_of(tmp_path / fault / f"{L1C}.SAFE") == expected_tree(product)
        wanted = "twice" if (tag, path) == ("multipart", "manifest.safe") else "etag"
        proof = record_of(tmp_path / fault).manifest
        assert proof is not None
        assert proof.witness == wanted


def test_a_manifest_that_is_always_spoilt_is_an_error_and_gets_no_name(product, bucket, tmp_path):
    put_product(bucket, product)
    key = product.keys["manifest.safe"]
    with proxied(bucket.endpoint_url, tmp_path / "log", {"fault": "flip", "path": key, "times": 99}) as proxy:
        result = fetch(bucket, tmp_path / "out", proxy.url)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error.exit_code == 65
    assert "its MD5 is" in str(result.error)
    assert not list((tmp_path / "out").glob("*.SAFE*"))


def test_verify_sees_a_manifest_that_changed_on_the_disk(product, bucket, tmp_path):
    put_product(bucket, product)
    assert fetch(bucket, tmp_path).error is None
    path = tmp_path / f"{L1C}.SAFE" / "manifest.safe"
    right = path.read_bytes()
    path.write_bytes(right.replace(b'ID="n0"', b'ID="m0"'))
    (result,) = verify([tmp_path / f"{L1C}.SAFE"])
    assert [(file.path, file.verdict) for file in result.bad] == [("manifest.safe", Verdict.WRONG)]
    path.write_bytes(right)
    (result,) = verify([tmp_path / f"{L1C}.SAFE"])
    assert not result.bad


def edition(bucket: Bucket, number: int) -> AwsProduct:
    """The same product with other bytes in every second file, as after a re-publication."""
    product = make_product(L1C)
    from support.aws_trees import manifest_of

    files = {path: data for path, data in product.files.items() if path != "manifest.safe"}
    for path in sorted(files)[::2] if number else ():
        files[path] = bytes(byte ^ number for byte in files[path])
    files["manifest.safe"] = manifest_of(files, "SHA3-256")
    product.files.clear()
    product.files.update(files)
    for path, key in product.keys.items():
        product.objects[key] = files[path]
    put_product(bucket, product)
    return product


def matching(product: AwsProduct, safe: Path) -> set[str]:
    """Files of a folder that are those of an edition; any other is an error."""
    there = {path.relative_to(safe).as_posix(): path.read_bytes() for path in safe.rglob("*") if path.is_file()}
    assert {path for path, data in there.items() if product.files[path] != data} == set()
    return set(there)


def test_a_product_that_was_published_again_is_never_mixed(bucket, tmp_path):
    edition(bucket, 0)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B02"], (), ())).error is None
    new = edition(bucket, 1)
    notes: list[str] = []
    archive = bucket.archive(layout=Layout.AWS_S2)
    result = fetch_from(
        archive,
        tmp_path,
        lambda event: notes.append(event.message) if isinstance(event, Note) else None,
        subset=Subset.parse(["B02", "B03"], (), ()),
    )
    assert result.error is None
    assert any("another edition" in note for note in notes)
    there = matching(new, tmp_path / f"{L1C}.SAFE")
    assert any(path.endswith("_B02.jp2") for path in there)
    assert any(path.endswith("_B03.jp2") for path in there)
    (verified,) = verify([tmp_path / f"{L1C}.SAFE"])
    assert verified.failure is None
    assert result.moved < sum(len(new.files[path]) for path in there)  # what both editions share was not fetched


def test_files_of_an_older_edition_go_even_if_they_are_not_asked_for(bucket, tmp_path):
    edition(bucket, 0)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B02", "B04"], (), ())).error is None
    (tmp_path / f"{L1C}.SAFE" / "mine.txt").write_text("a note of the user")
    new = edition(bucket, 1)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B08"], (), ())).error is None
    mine = tmp_path / f"{L1C}.SAFE" / "mine.txt"
    assert mine.read_text() == "a note of the user"
    mine.unlink()
    matching(new, tmp_path / f"{L1C}.SAFE")
    assert sorted(path.name for path in tmp_path.glob("S2*")) == [f"{L1C}.SAFE", f"{L1C}.SAFE.s2kit.json"]


def test_an_interrupted_run_of_an_older_edition_leaves_nothing_in_the_new_one(bucket, tmp_path):
    old = edition(bucket, 0)
    rules = ({"fault": "status", "path": old.keys[old.large], "times": 99},)
    with proxied(bucket.endpoint_url, tmp_path / "log", *rules) as proxy:
        assert fetch(bucket, tmp_path / "out", proxy.url, stall_s=0.5).status is Status.FAILED
    new = edition(bucket, 1)
    assert fetch(bucket, tmp_path / "out", subset=Subset.parse(["B08"], (), ())).error is None
    matching(new, tmp_path / "out" / f"{L1C}.SAFE")


def test_a_record_of_an_older_version_trusts_the_manifest_that_lies_there(bucket, tmp_path):
    edition(bucket, 0)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B02"], (), ())).error is None
    path = tmp_path / f"{L1C}.SAFE.s2kit.json"
    value = json.loads(path.read_text())
    del value["manifest"]
    path.write_text(json.dumps(value))
    new = edition(bucket, 1)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B02", "B03"], (), ())).error is None
    matching(new, tmp_path / f"{L1C}.SAFE")


def test_the_folders_that_other_tools_want_are_there(product, bucket, tmp_path):
    put_product(bucket, product)
    assert fetch(bucket, tmp_path, subset=Subset.parse(["B02"], (), ())).error is None
    safe = tmp_path / f"{L1C}.SAFE"
    granule = next(safe.glob("GRANULE/*"))
    strip = next(safe.glob("DATASTRIP/*"))
    folders = [safe / "AUX_DATA", safe / "HTML", safe / "rep_info", granule / "AUX_DATA", granule / "QI_DATA"]
    assert all(folder.is_dir() for folder in [*folders, strip / "QI_DATA"])


def test_two_runs_at_one_target_by_two_names_of_its_folder(product, bucket, tmp_path):
    """`--layout seed` writes below `--out`, another run straight there: the second is told to come back later."""
    put_product(bucket, product)
    record = {"s2kit:range": "2022-12-01/2022-12-31", "s2kit:aoi": "field"}
    folder = tmp_path / "2022-12-01_2022-12-31" / "field" / "original"
    (tmp_path / "alias").symlink_to(folder.parent, target_is_directory=True)
    archive = bucket.archive(layout=Layout.AWS_S2)
    request = DownloadRequest(
        out=str(tmp_path), archives={archive.name: archive}, archive=archive.name, arrangement=Arrangement.SEED
    )
    seconds: list[TryLaterError] = []

    def meanwhile(event: Event) -> None:
        if isinstance(event, Advanced) and not seconds:
            with pytest.raises(TryLaterError) as caught:
                fetch(bucket, tmp_path / "alias" / "original")
            seconds.append(caught.value)

    (result,) = download([ProductRef(L1C, record)], request, meanwhile)
    assert result.error is None
    assert seconds[0].exit_code == 75
    assert tree_of(folder / f"{L1C}.SAFE") == expected_tree(product)


@pytest.fixture
def catalogue() -> Iterator[tuple[CatalogueSource, dict[str, bytes]]]:
    """A STAC API on loopback, and the bodies that it answers by path."""
    bodies: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield CatalogueSource(name="cdse", kind="stac", url=f"http://127.0.0.1:{server.server_port}"), bodies
    server.shutdown()
    server.server_close()


def item(checksum: str | None) -> bytes:
    asset = {"href": "manifest.safe"} | ({} if checksum is None else {"file:checksum": checksum})
    return json.dumps({"type": "Feature", "id": L1C, "assets": {"safe_manifest": asset}}).encode()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA3-256"])
def test_an_independent_catalogue_confirms_the_manifest(algorithm, product, bucket, tmp_path, catalogue):
    put_product(bucket, product)
    source, bodies = catalogue
    prefix = {"MD5": "d50110", "SHA3-256": "1620"}[algorithm]
    path = f"/collections/sentinel-2-l1c/items/{L1C}"
    bodies[path] = item(prefix + new_hash(algorithm, product.files["manifest.safe"]).hexdigest())
    assert fetch(bucket, tmp_path, check_against=source).error is None
    proof = record_of(tmp_path).manifest
    assert proof is not None
    assert proof.confirmed_by == "cdse"
    (verified,) = verify([tmp_path / f"{L1C}.SAFE"], check_against=source)
    assert verified.failure is None
    bodies[path] = item(prefix + new_hash(algorithm, b"another edition").hexdigest())
    (verified,) = verify([tmp_path / f"{L1C}.SAFE"], check_against=source)
    assert verified.failure is not None
    assert "catalogue cdse lists" in str(verified.failure)
    other = fetch(bucket, tmp_path / "other", check_against=source)
    assert other.error is not None
    assert other.error.exit_code == 65
    assert not list((tmp_path / "other").glob("*.SAFE*"))


def test_a_product_that_is_there_is_confirmed_too(product, bucket, tmp_path, catalogue):
    put_product(bucket, product)
    source, bodies = catalogue
    assert fetch(bucket, tmp_path).error is None
    path = f"/collections/sentinel-2-l1c/items/{L1C}"
    bodies[path] = item(None)
    result = fetch(bucket, tmp_path, check_against=source)
    assert result.error is not None
    assert result.error.exit_code == 66
    bodies[path] = item("d50110" + new_hash("MD5", product.files["manifest.safe"]).hexdigest())
    assert fetch(bucket, tmp_path, check_against=source).status is Status.ALREADY_THERE
    bodies.clear()
    assert fetch(bucket, tmp_path, check_against=source).status is Status.ALREADY_THERE  # the record remembers
