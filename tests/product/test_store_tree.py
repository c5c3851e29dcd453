import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from s2kit.archive.layout_s2 import CompactRules, product_folder
from s2kit.archive.tile_tree import tile_tree
from s2kit.errors import InputError, NotFoundError
from s2kit.product.bands import BANDS
from s2kit.product.metadata import OffsetSource
from s2kit.product.name import ProductName, parse_product_name
from s2kit.product.open import open_product
from s2kit.product.store_tree import prefix_tree
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import LocalFile, RemoteObject, gdal_path
from s2kit.store.open import open_store
from support.s3 import S3Server
from support.tiny_safe import L1C_NAME, L2A_NAME, safe_files, write_safe

NAME = parse_product_name(L2A_NAME)
assert isinstance(NAME, ProductName)
TILE = "tiles/31/T/DH/2025/3/1/0/"


def _aws(root: Path, *, product_tree: bool = True) -> Archive:
    """The tiny product as AWS lays it out, in a folder."""
    assert isinstance(NAME, ProductName)
    rules = CompactRules(NAME, product_folder(NAME), TILE)
    for path, data in safe_files().items():
        for key in rules.keys(path)[:1]:
            if product_tree or key.startswith("tiles/"):
                (root / key).parent.mkdir(parents=True, exist_ok=True)
                (root / key).write_bytes(data)
    (root / TILE / "tileInfo.json").write_text(json.dumps({"productName": L2A_NAME}))
    (root / TILE / "preview.jpg").write_bytes(b"no part of a SAFE")
    return Archive(name="here", address=str(root), layout=Layout.AWS_S2)


def test_a_prefix_of_a_folder_store(tmp_path: Path) -> None:
    root = write_safe(tmp_path / "bucket" / "tiles" / "31")
    (root / "GRANULE_$folder$").write_bytes(b"")
    store = open_store(Archive(name="here", address=str(tmp_path / "bucket")))
    tree = prefix_tree(store, f"tiles/31/{L2A_NAME}.SAFE/")
    assert tree.paths() == tuple(sorted(safe_files()))
    assert tree.read("INSPIRE.xml", 4) == b"<ins"
    assert tree.read("INSPIRE.xml") == tree.read("INSPIRE.xml", 99) == b"<inspire/>"
    assert tree.read("INSPIRE.xml", 4) == b"<ins"
    assert tree.location("INSPIRE.xml") == LocalFile(root / "INSPIRE.xml")
    assert tree.name == L2A_NAME
    for ask in (tree.read, tree.nbytes, tree.location):
        with pytest.raises(NotFoundError, match="there is no absent"):
            ask("absent")
    with pytest.raises(NotFoundError, match="there is nothing"):
        prefix_tree(store, "tiles/32/")


def test_a_product_in_a_bucket(s3_server: S3Server) -> None:
    bucket = s3_server.bucket()
    for path, data in safe_files().items():
        bucket.put(f"some/where/{L2A_NAME}.SAFE/{path}", data)
    bucket.put(f"some/where/{L2A_NAME}.SAFE/GRANULE_$folder$", b"")
    archive = bucket.archive(f"some/where/{L2A_NAME}.SAFE")
    product = open_product(prefix_tree(open_store(archive), ""))
    assert str(product.name) == L2A_NAME
    image = product.image("B04", 20)
    assert image.location == RemoteObject(archive, image.path)
    assert product.missing() == product.wrong_size() == ()


def test_a_tile_of_aws_with_its_product_tree(tmp_path: Path) -> None:
    product = open_product(tile_tree(open_store(_aws(tmp_path)), TILE))
    folder = open_product(write_safe(tmp_path / "safe"))
    assert [(e.band, e.resolution_m, e.nbytes) for e in product.entries] == [
        (e.band, e.resolution_m, e.nbytes) for e in folder.entries
    ]
    assert product.metadata == folder.metadata
    assert product.missing() == ()
    assert product.image("B04").grid == folder.image("B04").grid
    assert product.image("B04").location == LocalFile(tmp_path / TILE / "R10m" / "B04.jp2")


def test_a_tile_of_aws_alone_is_read_by_its_name(tmp_path: Path) -> None:
    product = open_product(tile_tree(open_store(_aws(tmp_path, product_tree=False)), TILE))
    assert str(product.name) == L2A_NAME
    assert product.metadata.offset_source is OffsetSource.BASELINE
    assert product.image("B8A").offset == -1000
    assert product.image("B8A").grid.epsg == 32631
    assert product.manifest is None


def test_a_damaged_manifest_of_a_tile_is_named_when_it_is_asked(tmp_path: Path) -> None:
    archive = _aws(tmp_path)
    next(tmp_path.rglob("manifest.safe")).write_bytes(b"cut")
    product = open_product(tile_tree(open_store(archive), TILE))
    assert product.image("B04").band == "B04"
    with pytest.raises(InputError, match=r"manifest\.safe"):
        product.missing()


def test_a_product_that_is_named_by_the_datastrip_only(tmp_path: Path) -> None:
    archive = _aws(tmp_path)
    info = {"datastrip": {"path": f"products/2025/3/1/{L2A_NAME}/datastrip/0"}}
    (tmp_path / TILE / "tileInfo.json").write_text(json.dumps(info))
    assert str(open_product(tile_tree(open_store(archive), TILE)).name) == L2A_NAME


@pytest.mark.parametrize(
    ("info", "word"),
    [
        ("not json", "not JSON"),
        ("[]", "no JSON object"),
        ("{}", "no product name"),
        (
            '{"productName": "S2A_OPER_PRD_MSIL1C_PDMC_20160905T104813_R002_V20160905T005712_20160905T010424"}',
            "only compact",
        ),
        (json.dumps({"productName": L1C_NAME.replace("T31TDH", "T31TDJ")}), "nothing of"),
    ],
)
def test_a_tile_that_names_no_product(tmp_path: Path, info: str, word: str) -> None:
    (tmp_path / TILE).mkdir(parents=True)
    (tmp_path / TILE / "tileInfo.json").write_text(info)
    archive = Archive(name="here", address=str(tmp_path), layout=Layout.AWS_S2)
    with pytest.raises((InputError, NotFoundError), match=word):
        tile_tree(open_store(archive), TILE)
    with pytest.raises(NotFoundError):
        tile_tree(open_store(archive), "tiles/31/T/DH/2025/3/1/1/")


@pytest.mark.parametrize(("bucket", "bands"), [("sentinel-s2-l1c", 13), ("sentinel-s2-l2a", 12)])
def test_a_real_tile_whose_product_is_named_by_its_datastrip(shared_data: Path, bucket: str, bands: int) -> None:
    archive = Archive(name="here", address=str(shared_data / "aws_layout" / bucket), layout=Layout.AWS_S2)
    product = open_product(tile_tree(open_store(archive), "tiles/19/U/DP/2017/7/29/0/"))
    assert str(product.name).startswith(f"S2A_MSI{bucket[-3:].upper()}_20170729T153601_N")
    assert [str(tile) for tile in product.tiles] == ["19UDP"]
    assert len({entry.band for entry in product.entries} & set(BANDS)) == bands
    image = product.image("PVI" if bucket.endswith("l1c") else "SCL")
    assert isinstance(image.location, LocalFile)
    with rasterio.open(gdal_path(image.location)) as file:
        assert np.asarray(file.read(1)).any()
