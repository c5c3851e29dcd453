import json
from dataclasses import replace
from pathlib import Path

import pytest

from s2kit.archive.source import chosen_archives, find_source, may_hold, name_at, open_source
from s2kit.download import DownloadRequest, Status, download
from s2kit.errors import AccessError, InputError, NotFoundError, UsageError
from s2kit.product.name import parse_product_name
from s2kit.product.ref import ProductRef
from s2kit.store.archive import ARCHIVES, Archive, Layout
from support.aws_trees import L1C, L2A, S1, AwsProduct, make_product, put_in_folder, put_product
from support.s3 import S3Server


@pytest.fixture(scope="module")
def product() -> AwsProduct:
    return make_product(L1C)


@pytest.mark.parametrize(
    ("name", "choice", "paid", "expected"),
    [
        (L1C, "auto", False, ["gcp"]),
        (L1C, "auto", True, ["gcp", "aws-l1c"]),
        (L2A, "aws", False, ["aws-l2a"]),
        (S1, "aws", False, ["aws-s1"]),
        (S1, "auto", True, ["aws-s1"]),
        (L2A, "cdse", False, ["cdse"]),
    ],
)
def test_which_archives_are_asked_and_in_which_order(name, choice, paid, expected):
    found = chosen_archives(parse_product_name(name), choice, ARCHIVES, allow_requester_pays=paid)
    assert [archive.name for archive in found] == expected


def test_archives_are_asked_only_for_what_they_may_hold():
    name = parse_product_name(L2A)
    assert not may_hold(ARCHIVES["cogs"], name)
    assert not may_hold(ARCHIVES["aws-l1c"], name)
    assert may_hold(Archive(name="mine", address="x", layout=Layout.AWS_S2), name)
    with pytest.raises(UsageError, match="no archive 'nowhere'"):
        chosen_archives(name, "nowhere", ARCHIVES, allow_requester_pays=False)
    with pytest.raises(UsageError, match="aws-l2a"):
        chosen_archives(name, "aws", {}, allow_requester_pays=False)


def test_a_source_counts_its_requests_and_knows_its_objects(product, tmp_path: Path):
    put_in_folder(tmp_path, product)
    source = open_source(parse_product_name(L1C), Archive(name="mine", address=str(tmp_path), layout=Layout.AWS_S2))
    assert (source.lists, source.reads) == (2, 3)
    info = source.find(product.large)
    assert info is not None
    assert (info.key, info.nbytes) == (product.keys[product.large], len(product.files[product.large]))
    assert source.find("HTML/UserProduct_index.html") is None
    entry = source.entry(product.large)
    assert entry is not None
    assert entry.nbytes == info.nbytes


@pytest.mark.parametrize(
    ("key", "data", "message"),
    [
        ("productInfo.json", b"<html>", "not JSON"),
        ("productInfo.json", b"[]", "no JSON object"),
        ("productInfo.json", b'{"tiles": []}', "names no tile"),
        ("manifest.safe", b"", "not well-formed"),
    ],
)
def test_small_files_that_are_damaged_are_named(key, data, message, product, tmp_path: Path):
    put_in_folder(tmp_path, product)
    (tmp_path / f"products/2022/12/6/{L1C}" / key).write_bytes(data)
    archive = Archive(name="mine", address=str(tmp_path), layout=Layout.AWS_S2)
    with pytest.raises(InputError, match=message):
        open_source(parse_product_name(L1C), archive)


def test_another_archives_fault_is_told_when_nobody_has_it(product, tmp_path: Path):
    """The first is broken, the second lacks the product: the break is what the user must know."""
    put_in_folder(tmp_path / "a", product)
    (tmp_path / "a" / f"products/2022/12/6/{L1C}" / "manifest.safe").write_bytes(b"broken")
    archives = {
        "a": Archive(name="a", address=str(tmp_path / "a"), layout=Layout.AWS_S2),
        "b": Archive(name="b", address=str(tmp_path / "b"), layout=Layout.GCP),
    }
    with pytest.raises(InputError, match="not well-formed"):
        find_source(parse_product_name(L1C), "auto", archives, allow_requester_pays=False)


def test_an_old_product_without_its_tile_list_is_incomplete(tmp_path: Path):
    old = "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"
    (tmp_path / f"products/2016/9/5/{old}").mkdir(parents=True)
    (tmp_path / f"products/2016/9/5/{old}" / "metadata.xml").write_text("x")
    archive = Archive(name="mine", address=str(tmp_path), layout=Layout.AWS_S2)
    with pytest.raises(NotFoundError, match="incomplete"):
        open_source(parse_product_name(old), archive)


def test_addresses_lead_to_products(product, s3_server: S3Server, tmp_path: Path):
    bucket = s3_server.bucket()
    put_product(bucket, product)
    aws = bucket.archive(layout=Layout.AWS_S2, requester_pays=True)
    safe = s3_server.bucket()
    for path, data in product.files.items():
        if not path.endswith(product.large):
            safe.put(f"any/where/{L1C}.SAFE/{path}", data)
    safe.put(f"any/where/{L1C}.SAFE/{product.large}", product.files[product.large])
    archives = {aws.name: aws, safe.name: safe.archive()}
    request = DownloadRequest(out=str(tmp_path), archives=archives)
    tile = f"s3://{bucket.name}/tiles/31/U/FS/2022/12/6/1/"
    (refused,) = download([ProductRef(tile)], request)
    assert isinstance(refused.error, AccessError)  # an address alone is no consent to be billed
    request = replace(request, allow_requester_pays=True)
    (result,) = download([ProductRef(tile)], request)
    assert (result.product, result.status, result.error) == (L1C, Status.DONE, None)
    there = f"s3://{safe.name}/any/where/{L1C}.SAFE/"
    (again,) = download([ProductRef(there)], DownloadRequest(out=str(tmp_path / "2"), archives=archives))
    assert (again.product, again.status, again.error) == (L1C, Status.DONE, None)
    tree = f"s3://{bucket.name}/products/2022/12/6/{L1C}"
    name, archive = name_at(tree, archives, aws.name)
    assert (str(name), archive) == (L1C, aws)
    (gone,) = download([ProductRef(f"s3://{bucket.name}/tiles/31/U/FS/2022/12/6/7")], request)
    assert isinstance(gone.error, NotFoundError)
    bucket.put("tiles/31/U/FS/2022/12/6/8/tileInfo.json", json.dumps({"productName": "odd"}).encode())
    (odd,) = download([ProductRef(f"s3://{bucket.name}/tiles/31/U/FS/2022/12/6/8")], request)
    assert isinstance(odd.error, InputError)


def test_an_unknown_bucket_is_taken_as_it_is_named():
    address = f"gs://some-bucket/tiles/31/U/FS/{L1C}.SAFE"
    name, archive = name_at(address, ARCHIVES)
    assert str(name) == L1C
    assert (archive.address, archive.anonymous, archive.layout) == (
        "gs://some-bucket/tiles/31/U/FS",
        True,
        Layout.SAFE,
    )
    _, known = name_at(f"s3://eodata/Sentinel-2/MSI/L1C_N0500/2022/12/06/{L1C}.SAFE", ARCHIVES)
    assert known.profile == "cdse"


def test_an_address_that_leads_to_no_product_is_named_whole() -> None:
    for address in ("s3://bucket/tiles/31/T/CJ/2024/6/15/0/", "s3://bucket/"):
        with pytest.raises(InputError, match=f"{address}: neither a tile nor a product"):
            name_at(address, {})
