"""A dataset folder as a catalogue, and an index that notices what changed."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from s2kit.area.dates import EVER
from s2kit.catalogue import local_products
from s2kit.catalogue.base import CatalogueSource, Page
from s2kit.catalogue.open import open_catalogue
from s2kit.catalogue.query import new_query
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import NotFoundError
from s2kit.run.deadline import Deadline
from support.tiny_safe import L1C_NAME, L2A_NAME, write_safe

TILE = {
    "path": "tiles/31/T/CJ/2020/1/5/0",
    "timestamp": "2020-01-05T11:02:03.455Z",
    "utmZone": 31,
    "latitudeBand": "T",
    "gridSquare": "CJ",
    "tileDataGeometry": {
        "type": "Polygon",
        "coordinates": [
            [[300000, 4900020], [409800, 4900020], [409800, 4790220], [300000, 4790220], [300000, 4900020]]
        ],
    },
    "cloudyPixelPercentage": 24.48,
    "productName": "S2A_MSIL1C_20200105T105441_N0208_R051_T31TCJ_20200105T131500",
}


def page(root: Path, cache: Path | None = None) -> Page:
    source = CatalogueSource(name="local", kind="local", url=str(root), cache_dir=cache)
    (only,) = open_catalogue(source, Deadline(60)).pages(new_query(), None, EVER)
    return only


def ids(root: Path, cache: Path | None = None) -> list[str]:
    return [record.id for record in page(root, cache).records]


def test_safe_folders_zips_and_tiles(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_safe(root / "deep/er", L2A_NAME)
    write_safe(tmp_path, L1C_NAME)
    with zipfile.ZipFile(root / f"{L1C_NAME}.zip", "w") as archive:
        for file in sorted((tmp_path / f"{L1C_NAME}.SAFE").rglob("*")):
            archive.write(file, file.relative_to(tmp_path))
    tile = root / "tiles/31/T/CJ/2020/1/5/0"
    tile.mkdir(parents=True)
    (tile / "tileInfo.json").write_text(json.dumps(TILE))
    (root / f"{L2A_NAME}.SAFE.part").mkdir()
    found = {record.id: record for record in page(root).records}
    assert set(found) == {L2A_NAME, L1C_NAME, TILE["productName"]}
    aws: ProductRecord = found[str(TILE["productName"])]
    assert (aws.tile, aws.cloud_cover, aws.locations["local"]) == ("31TCJ", 24.48, str(tile))
    assert aws.geometry is not None
    assert aws.geometry.bounds == pytest.approx((0.5, 43.24, 1.9, 44.25), abs=0.05)
    assert found[L1C_NAME].nbytes == (root / f"{L1C_NAME}.zip").stat().st_size


def test_the_index_notices_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    first = write_safe(root, L2A_NAME)
    read: list[str] = []
    true_read = local_products.read_product

    def counted(path: Path, catalogue: str) -> ProductRecord:
        read.append(path.name)
        return true_read(path, catalogue)

    monkeypatch.setattr(local_products, "read_product", counted)
    before = page(root, cache)
    assert read == [first.name]
    assert page(root, cache) == before
    assert read == [first.name], "nothing is read again"
    second = write_safe(root, L1C_NAME)
    assert len(ids(root, cache)) == 2
    assert read == [first.name, second.name]
    metadata = next(first.glob("MTD_*.xml"))
    os.utime(metadata, ns=(1, 1))
    ids(root, cache)
    assert read == [first.name, second.name, first.name]
    shutil.rmtree(first)
    assert ids(root, cache) == [L1C_NAME]
    assert len(read) == 3


def test_two_catalogues_of_one_folder_keep_their_names(tmp_path: Path) -> None:
    write_safe(tmp_path / "data", L2A_NAME)
    for name in ("ours", "theirs", "ours"):
        source = CatalogueSource(name=name, kind="local", url=str(tmp_path / "data"), cache_dir=tmp_path / "cache")
        (only,) = open_catalogue(source, Deadline(60)).pages(new_query(), None, EVER)
        assert [record.catalogue for record in only.records] == [name]


@pytest.mark.parametrize("text", ["", "[]", '{"version": 0}', '{"version": 1, "products": {"x": 5}}'])
def test_a_broken_index_is_made_anew(tmp_path: Path, text: str) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    write_safe(root, L2A_NAME)
    ids(root, cache)
    (index,) = (cache / "products").iterdir()
    index.write_text(text)
    assert ids(root, cache) == [L2A_NAME]


def test_a_broken_entry_is_read_anew(tmp_path: Path) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    write_safe(root, L2A_NAME)
    ids(root, cache)
    (index,) = (cache / "products").iterdir()
    document = json.loads(index.read_text())
    for entry in document["products"].values():
        entry["record"] = {"id": "x", "geometry": "zz"}
    index.write_text(json.dumps(document))
    assert ids(root, cache) == [L2A_NAME]


def test_a_product_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / f"{L2A_NAME}.zip").write_bytes(b"no zip")
    broken = tmp_path / "tiles/1/W/CP/2020/1/1/0"
    broken.mkdir(parents=True)
    (broken / "tileInfo.json").write_text("{}")
    only = page(tmp_path)
    assert only.records == ()
    assert len(only.notes) == 2
    assert L2A_NAME in only.notes[0]


def test_a_safe_without_metadata_is_known_by_its_name(tmp_path: Path) -> None:
    (tmp_path / f"{L2A_NAME}.SAFE").mkdir()
    (record,) = page(tmp_path).records
    assert record.id == L2A_NAME
    assert record.geometry is not None, "the square of its tile"


def test_an_index_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_safe(root, L2A_NAME)
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert ids(root, tmp_path / "cache") == [L2A_NAME]


def test_a_link_that_leads_back_is_followed_once(tmp_path: Path) -> None:
    write_safe(tmp_path / "data", L2A_NAME)
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data")
    assert ids(tmp_path / "data") == [L2A_NAME]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone"):
        page(tmp_path / "gone")


def test_real_products(shared_data: Path) -> None:
    found = {record.id: record for record in page(shared_data / "safe").records}
    real = found["S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454"]
    assert real.cloud_cover == pytest.approx(59.769726)
    assert real.baseline == "04.00"
    assert real.geometry is not None


def test_real_tiles_of_aws(shared_data: Path) -> None:
    records = page(shared_data / "aws_tiles_metadata").records
    assert len(records) == 4
    crossing = next(record for record in records if record.tile == "01VCG")
    assert crossing.geometry is not None
    assert crossing.geometry.geom_type == "MultiPolygon"


def test_a_real_sentinel_1_product(shared_data: Path) -> None:
    (record,) = page(shared_data / "s1" / "safe").records
    assert (record.mission, record.mode, record.polarisations) == ("s1", "IW", ("VV", "VH"))
    assert record.geometry is not None


def test_clouds_of_an_l2a_tile_come_from_its_metadata(tmp_path: Path, shared_data: Path) -> None:
    source = next((shared_data.parent / "cases" / "metadata" / "tiles").rglob("tileInfo.json")).parent
    tile = tmp_path / "tiles/34/L/BP/2022/4/1/0"
    tile.mkdir(parents=True)
    (tile / "tileInfo.json").write_bytes((source / "tileInfo.json").read_bytes())
    cache = tmp_path / "cache"
    (only,) = page(tmp_path, cache).records
    assert only.cloud_cover is None, "tileInfo.json says 0.0 for every L2A tile"
    (tile / "metadata.xml").write_bytes((source / "metadata.xml").read_bytes())
    (only,) = page(tmp_path, cache).records
    assert only.cloud_cover == pytest.approx(92.696983)
