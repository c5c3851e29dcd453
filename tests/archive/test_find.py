import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2kit.archive.address import archive_of
from s2kit.archive.find import archive_read, expand, locate, whereabouts
from s2kit.archive.layout import product_info
from s2kit.archive.layout_s2 import CompactRules, product_folder
from s2kit.archive.source import open_source
from s2kit.errors import AccessError, InputError, NotFoundError, UsageError
from s2kit.product.name import ProductName, parse_product_name
from s2kit.product.open import Product
from s2kit.product.ref import ProductRef
from s2kit.settings import Settings
from s2kit.store.archive import ARCHIVES, Archive, Layout
from s2kit.store.location import FilePart, LocalFile, RemoteObject
from support.chip_items import write_item
from support.s3 import Bucket, S3Server
from support.tiny_safe import L1C_NAME, L2A_NAME, safe_files, write_files, write_safe

GCP = f"L2/tiles/31/T/DH/{L2A_NAME}.SAFE/"
TILE = "tiles/31/T/DH/2025/3/1/0/"


def _settings(tmp_path: Path, *archives: Archive, **values: object) -> Settings:
    return Settings(dataset=tmp_path / "data", archives={a.name: a for a in archives}, **values)  # type: ignore[arg-type]


def _find(text: str, settings: Settings, **record: object) -> Product:
    product = locate(ProductRef(text, record), settings)
    assert str(product.name) == L2A_NAME
    assert product.missing() == ()
    return product


def _fill(bucket: Bucket, prefix: str) -> None:
    for path, data in safe_files().items():
        bucket.put(prefix + path, data)


def _fill_aws(bucket: Bucket) -> None:
    name = parse_product_name(L2A_NAME)
    assert isinstance(name, ProductName)
    rules = CompactRules(name, product_folder(name), TILE)
    for path, data in safe_files().items():
        for key in rules.keys(path)[:1]:
            bucket.put(key, data)
    info = product_info(
        name, rules, "S2C_OPER_MSI_L2A_DS_2APS_20250301T143000_S20250301T105021_N05.11", "2025-03-01T10:50:21Z"
    )
    bucket.put(f"{product_folder(name)}productInfo.json", json.dumps(info).encode())
    bucket.put(f"{TILE}tileInfo.json", json.dumps({"productName": L2A_NAME}).encode())


def test_a_path_and_a_name_in_the_dataset_folder(tmp_path: Path) -> None:
    root = write_safe(tmp_path / "data" / "deep")
    settings = _settings(tmp_path)
    for text in (str(root), str(root / "MTD_MSIL2A.xml"), L2A_NAME, f"{L2A_NAME}.SAFE"):
        location = _find(text, settings).image("B04", 20).location
        assert isinstance(location, LocalFile)
        assert location.path.is_relative_to(root)


def test_a_record_tells_where_its_product_is(tmp_path: Path) -> None:
    root = write_safe(tmp_path / "elsewhere")
    settings = _settings(tmp_path)
    flat = {"s2kit:locations": {"local": str(root)}}
    assert _find(L2A_NAME, settings, **flat).tree.address == str(root)
    assert _find(L2A_NAME, settings, properties=flat).tree.address == str(root)
    assert whereabouts(ProductRef(L2A_NAME, {"s2kit:locations": {"local": "gone"}}), settings).text == L2A_NAME
    assert whereabouts(ProductRef(L2A_NAME), settings).text == L2A_NAME


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        ("absent/X.SAFE", NotFoundError, "no such file"),
        ("X.SAFE", NotFoundError, "no such file"),
        ("whatever", InputError, "neither a path nor the name"),
        ("x" * 5000, InputError, "neither a path nor the name"),
        ("a\0b", InputError, "neither a path nor the name"),
        ("~nobody-of-that-name/X.SAFE", NotFoundError, "no such file"),
    ],
)
def test_what_is_neither_path_nor_name(tmp_path: Path, text: str, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        locate(ProductRef(text), _settings(tmp_path))


def test_a_name_in_a_free_archive(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.bucket(public=True)
    _fill(bucket, GCP)
    bucket.put(f"{GCP}GRANULE_$folder$", b"")
    archive = bucket.archive(layout=Layout.GCP, anonymous=True)
    product = _find(L2A_NAME, _settings(tmp_path, archive))
    image = product.image("B04", 20)
    assert image.location == RemoteObject(archive, GCP + image.path)
    assert product.tree.address == f"s3://{bucket.name}/{GCP}".rstrip("/")


def test_a_name_in_a_folder_that_is_an_archive(tmp_path: Path) -> None:
    write_files(tmp_path / "mirror" / GCP, safe_files())
    archive = Archive(name="mirror", address=str(tmp_path / "mirror"), layout=Layout.GCP)
    assert isinstance(_find(L2A_NAME, _settings(tmp_path, archive)).image("B04").location, LocalFile)
    with pytest.raises(NotFoundError, match="archive mirror"):
        locate(ProductRef(L1C_NAME), _settings(tmp_path, archive))


def test_nobody_is_billed_by_surprise(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    _fill_aws(bucket)
    archive = bucket.archive(name="aws-l2a", layout=Layout.AWS_S2, requester_pays=True)
    settings = _settings(tmp_path, archive)
    for text in (L2A_NAME, f"s3://{bucket.name}/{TILE}"):
        with pytest.raises(AccessError, match="bills its readers") as caught:
            locate(ProductRef(text), settings)
        assert caught.value.exit_code == 77
        assert "--archive aws" in (caught.value.hint or "")
        for agreed in ({"archive": "aws"}, {"archive": "aws-l2a"}, {"allow_requester_pays": True}):
            image = _find(text, replace(settings, **agreed)).image("B04", 20)
            assert image.location == RemoteObject(archive, f"{TILE}R20m/B04.jp2")
    with pytest.raises(UsageError, match="no archive 'moon'"):
        locate(ProductRef(L2A_NAME), replace(settings, archive="moon"))


def test_addresses_in_a_bucket(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    _fill(bucket, f"a/{L2A_NAME}.SAFE/")
    _fill(bucket, "b/renamed/")
    settings = _settings(tmp_path, bucket.archive())
    for place in (f"a/{L2A_NAME}.SAFE", f"a/{L2A_NAME}.SAFE/", f"a/{L2A_NAME}.SAFE/manifest.safe", "b/renamed"):
        _find(f"s3://{bucket.name}/{place}", settings)
    with pytest.raises(NotFoundError, match="there is nothing"):
        locate(ProductRef(f"s3://{bucket.name}/c/X.SAFE"), settings)
    with pytest.raises(InputError, match="on this machine only"):
        locate(ProductRef(f"s3://{bucket.name}/a/{L2A_NAME}.zip"), settings)
    bucket.put("d/readme.txt", b"hello")
    with pytest.raises(InputError, match="which product"):
        locate(ProductRef(f"s3://{bucket.name}/d"), settings)


def test_product_trees_of_aws_by_address(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    _fill_aws(bucket)
    settings = _settings(tmp_path, bucket.archive(layout=Layout.AWS_S2))
    _find(f"s3://{bucket.name}/products/2025/3/1/{L2A_NAME}/", settings)
    _find(f"s3://{bucket.name}/{TILE}R10m/B04.jp2", settings)
    with pytest.raises(InputError, match="neither a tile nor a product"):
        locate(ProductRef(f"s3://{bucket.name}/tiles/31/"), settings)


def test_a_tile_folder_of_this_machine(tmp_path: Path) -> None:
    name = parse_product_name(L2A_NAME)
    assert isinstance(name, ProductName)
    rules = CompactRules(name, product_folder(name), TILE)
    files = {key: data for path, data in safe_files().items() for key in rules.keys(path)[:1]}
    write_files(tmp_path / "bucket", files | {f"{TILE}tileInfo.json": json.dumps({"productName": L2A_NAME}).encode()})
    place = tmp_path / "bucket" / TILE
    assert _find(str(place), _settings(tmp_path)).image("B04").location == LocalFile(place / "R10m" / "B04.jp2")
    place.rename(tmp_path / "torn out")
    with pytest.raises(InputError, match="no Sentinel-2 product"):
        locate(ProductRef(str(tmp_path / "torn out")), _settings(tmp_path))


def test_a_tile_folder_on_disk(tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "aws_layout/sentinel-s2-l1c/tiles/19/U/DP/2017/7/29/0"
    product = locate(ProductRef(str(folder)), _settings(tmp_path))
    assert product.image("B01").location == LocalFile(folder / "B01.jp2")


def test_archives_of_addresses() -> None:
    assert archive_of("s3://eodata/Sentinel-2/x", ARCHIVES).name == "cdse"
    assert archive_of("gs://gcp-public-data-sentinel-2/tiles", ARCHIVES).name == "gcp"
    assert archive_of("s3://eodata-other/x", ARCHIVES) == Archive(name="eodata-other", address="s3://eodata-other")
    assert archive_of("gs://mine/x", ARCHIVES).anonymous
    inner = Archive(name="inner", address="s3://b/deep", endpoint_url="http://here")
    assert archive_of("s3://b/deep/X.SAFE", {"b": Archive(name="b", address="s3://b"), "inner": inner}) == inner


def test_a_zip_of_the_dataset_folder(tmp_path: Path) -> None:
    import zipfile

    (tmp_path / "data").mkdir()
    with zipfile.ZipFile(tmp_path / "data" / f"{L2A_NAME}.zip", "w") as archive:
        for path, data in safe_files().items():
            archive.writestr(f"{L2A_NAME}.SAFE/{path}", data)
    assert isinstance(_find(L2A_NAME, _settings(tmp_path)).image("B04").location, FilePart)


def test_which_archive_a_product_would_be_read_from(tmp_path: Path) -> None:
    settings = _settings(tmp_path, *ARCHIVES.values())
    assert archive_read(ProductRef(f"s3://sentinel-s2-l2a/{TILE}"), settings) == ARCHIVES["aws-l2a"]
    free = archive_read(ProductRef(L2A_NAME), settings)
    assert free is not None
    assert not free.requester_pays
    for change in ({"archive": "aws"}, {"allow_requester_pays": True}):
        assert archive_read(ProductRef(L2A_NAME), replace(settings, **change)) == ARCHIVES["aws-l2a"]
    write_safe(tmp_path / "data")
    assert archive_read(ProductRef(L2A_NAME), settings) is None


def _kinds(root: Path) -> Path:
    """A dataset folder with products of several kinds, some of them deep in it."""
    write_safe(root / "2025" / "aoi" / "original")
    red = np.random.default_rng(1).integers(150, 900, (60, 60)).astype(np.uint16)
    write_item(root / "cogs" / "april", {"B04": red, "SCL": np.full((30, 30), 4, np.uint8)}, scales={"SCL": 2})
    return root


COG_NAME = "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739"


def test_a_folder_stands_for_the_products_below_it(tmp_path: Path) -> None:
    root = _kinds(tmp_path / "data")
    settings = _settings(tmp_path)
    found = [locate(ref, settings).id for ref in expand([ProductRef(str(root))])]
    assert found == [COG_NAME, L2A_NAME]
    assert [ref.text for ref in expand([ProductRef(L2A_NAME)])] == [L2A_NAME]
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="holds no product"):
        expand([ProductRef(str(tmp_path / "empty"))])


def test_cogs_are_found_by_path_name_record_and_address(tmp_path: Path, s3_server: S3Server) -> None:
    root = _kinds(tmp_path / "data")
    settings = _settings(tmp_path)
    folder = root / "cogs" / "april" / f"{COG_NAME}_cog"
    for text in (str(folder), str(folder / f"{folder.name}.json"), COG_NAME):
        product = locate(ProductRef(text), settings)
        assert (product.id, product.image("B04").offset) == (COG_NAME, 0.0)
    bucket = s3_server.bucket(public=True)
    for path in folder.iterdir():
        bucket.put(f"a/{folder.name}/{path.name}", path.read_bytes())
    away = _settings(tmp_path / "away", bucket.archive(layout=Layout.COGS, anonymous=True))
    record = {"s2kit:locations": {"cogs": f"s3://{bucket.name}/a/{folder.name}"}}
    for ref in (
        ProductRef(f"s3://{bucket.name}/a/{folder.name}"),
        ProductRef(f"s3://{bucket.name}/a/{folder.name}/{folder.name}.json"),
        ProductRef(COG_NAME, record),
        ProductRef(folder.name, {"properties": record}),
    ):
        product = locate(ref, away)
        image = product.image("B04")
        assert (product.id, image.offset, image.grid.shape) == (COG_NAME, 0.0, (60, 60))
        assert isinstance(image.location, RemoteObject)


def test_cogs_in_a_bucket_that_bills_are_not_read_unasked(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    archive = bucket.archive(layout=Layout.COGS, requester_pays=True)
    with pytest.raises(AccessError, match="bills its readers"):
        locate(ProductRef(f"s3://{bucket.name}/a/x"), _settings(tmp_path, archive))


def test_a_tile_that_was_seen_after_midnight_lies_under_the_next_day(tmp_path: Path) -> None:
    late = L2A_NAME.replace("20250301T105021", "20250301T235821")
    name = parse_product_name(late)
    assert isinstance(name, ProductName)
    place = "tiles/31/T/DH/2025/3/2/0/"
    rules = CompactRules(name, product_folder(name), place)
    bucket = tmp_path / "bucket"
    for path, data in safe_files().items():
        for key in rules.keys(path)[:1]:
            (bucket / key).parent.mkdir(parents=True, exist_ok=True)
            (bucket / key).write_bytes(data)
    (bucket / place / "tileInfo.json").write_text(json.dumps({"productName": late}))
    archive = Archive(name="mine", address=str(bucket), layout=Layout.AWS_S2)
    source = open_source(name, archive)
    assert source.find("manifest.safe") is not None
    assert any(key.startswith(place) for key in source.objects)
