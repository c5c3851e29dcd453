"""From bucket to bucket on one endpoint: the server copies, nothing but small files passes this machine."""

from pathlib import Path

import pytest

from s2kit.download import DownloadRequest, ProductResult, Status, download
from s2kit.download.record import FileState
from s2kit.errors import UsageError
from s2kit.product.ref import ProductRef
from s2kit.product.subset import Subset
from s2kit.store.archive import Archive, Layout
from support.aws_trees import L1C, L2A, S1, AwsProduct, make_product, put_product
from support.proxies import proxied
from support.s3 import Bucket, S3Server


@pytest.fixture(scope="module")
def products() -> dict[str, AwsProduct]:
    return {name: make_product(name) for name in (L1C, L2A, S1)}


def keys_of(bucket: Bucket) -> list[str]:
    return bucket.keys()


def archives_of(source: Bucket, target: Bucket, kind: str, endpoint: str | None = None) -> dict[str, Archive]:
    layout = Layout.AWS_S1 if kind == S1 else Layout.AWS_S2
    options = {} if endpoint is None else {"endpoint_url": endpoint}
    from_there = source.archive(layout=layout, requester_pays=True, **options)
    return {"there": from_there, "mine": target.archive("safe", **options)}


def copy(archives: dict[str, Archive], name: str, out: str = "mine:2022", **options: object) -> ProductResult:
    request = DownloadRequest(out=out, archives=archives, archive="there", **options)  # type: ignore[arg-type]
    (result,) = download([ProductRef(name)], request)
    return result


@pytest.mark.parametrize("name", [L1C, L2A, S1])
def test_a_product_is_copied_by_the_server_and_proven(name, products, s3_server: S3Server, tmp_path: Path):
    product = products[name]
    source, target = s3_server.bucket(), s3_server.bucket()
    put_product(source, product)
    with proxied(source.endpoint_url, tmp_path / "log") as proxy:
        archives = archives_of(source, target, name, proxy.url)
        result = copy(archives, name)
        assert result.error is None
        assert result.status is Status.DONE
        read = [
            entry["path"]
            for entry in proxy.gets(source.name)
            if entry["path"].partition("?")[0].endswith((".jp2", ".tiff"))
        ]
        assert [
            path for path in read if product.keys[product.large] not in path
        ] == []  # a multipart tag proves nothing
    prefix = f"safe/2022/{name}.SAFE/"
    assert {key.removeprefix(prefix) for key in keys_of(target) if key.startswith(prefix)} == {
        *product.kept,
        *product.extras,
    }
    for path in (product.large, "manifest.safe", *list(product.kept)[:3]):
        assert target.get(prefix + path) == product.files[path]
    proofs = {file.path: file.proof for file in result.files if file.state is FileState.VERIFIED}
    assert proofs[product.large] == "manifest"
    assert set(proofs.values()) == (
        {"manifest"} if name != L1C else {"manifest", "etag"}
    )  # SHA3-256 in the manifest of 05.09
    with proxied(source.endpoint_url, tmp_path / "log2") as proxy:
        again = copy(archives_of(source, target, name, proxy.url), name)
        assert again.status is Status.ALREADY_THERE
        assert [entry["method"] for entry in proxy.requests() if source.name not in entry["path"]].count("PUT") == 0
        assert not [entry for entry in proxy.gets() if entry["path"].partition("?")[0].endswith((".jp2", ".tiff"))]


def test_a_copy_that_was_broken_off_goes_on(products, s3_server, tmp_path):
    product = products[S1]
    source, target = s3_server.bucket(), s3_server.bucket()
    put_product(source, product)
    archives = archives_of(source, target, S1)
    copy(archives, S1)
    target.client.delete_object(Bucket=target.name, Key=f"safe/2022/{S1}.SAFE.s2kit.json")
    lost = f"safe/2022/{S1}.SAFE/preview/quick-look.png"
    target.client.delete_object(Bucket=target.name, Key=lost)
    with proxied(source.endpoint_url, tmp_path / "log") as proxy:
        result = copy(archives_of(source, target, S1, proxy.url), S1)
        assert result.status is Status.DONE
        puts = [entry["path"].partition("?")[0] for entry in proxy.requests() if entry["method"] == "PUT"]
    copied = [path for path in puts if "SAFE/" in path and not path.endswith(("manifest.safe", product.large))]
    assert [path.rpartition("/")[2] for path in copied] == ["quick-look.png"]


def test_an_object_that_is_not_what_the_manifest_lists_is_not_copied(products, s3_server):
    product = products[S1]
    source, target = s3_server.bucket(), s3_server.bucket()
    put_product(source, product)
    path = next(path for path in product.keys if path.endswith("quick-look.png"))
    data = product.files[path]
    source.put(product.keys[path], b"?" + data[1:])
    result = copy(archives_of(source, target, S1), S1)
    assert result.status is Status.FAILED
    assert [file.path for file in result.files if file.state is FileState.FAILED] == [path]
    assert not any(key.endswith(("quick-look.png", "manifest.safe", "s2kit.json")) for key in keys_of(target))


def test_a_subset_is_copied_and_said(products, s3_server):
    source, target = s3_server.bucket(), s3_server.bucket()
    put_product(source, products[L1C])
    archives = archives_of(source, target, L1C)
    few = Subset.parse(["b02"])
    assert copy(archives, L1C, out=f"s3://{target.name}/x", subset=few).count(FileState.SKIPPED) > 0
    assert copy(archives, L1C, out=f"s3://{target.name}/x", subset=few).status is Status.ALREADY_THERE
    assert copy(archives, L1C, out=f"s3://{target.name}/x").status is Status.DONE


def test_what_cannot_be_copied_is_refused_clearly(products, s3_server, tmp_path):
    product = products[L1C]
    source, target = s3_server.bucket(), s3_server.bucket()
    put_product(source, product)
    with proxied(source.endpoint_url, tmp_path / "log") as proxy:
        elsewhere = archives_of(source, target, L1C) | {"mine": target.archive(endpoint_url=proxy.url)}
        result = copy(elsewhere, L1C)
        assert isinstance(result.error, UsageError)
        assert "one endpoint" in str(result.error)
    assert "leave --zip away" in str(copy(archives_of(source, target, L1C), L1C, as_zip=True).error.hint)
