"""Areas from files: folders, standard input, other CRSs, Shapefile and GeoPackage."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from shapely.geometry import box, mapping

from s2kit.area import feature_files
from s2kit.area.aoi import Aoi
from s2kit.area.aoi_files import read_aois
from s2kit.errors import InputError, NotFoundError

SQUARE = mapping(box(1, 43, 2, 44))


def write(path: Path, *geometries: dict[str, object], **members: object) -> Path:
    features = [
        {"type": "Feature", "properties": {"name": f"field {i}"}, "geometry": geometry}
        for i, geometry in enumerate(geometries)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


def only(*sources: str | Path) -> Aoi:
    (aoi,) = read_aois(sources).aois
    return aoi


def test_a_file_is_one_area_under_its_name(tmp_path: Path) -> None:
    aoi = only(write(tmp_path / "farm.geojson", SQUARE, mapping(box(2, 43, 3, 44))))
    assert aoi.name == "farm"
    assert aoi.geometry.area == pytest.approx(2)


def test_each_feature_may_be_an_area(tmp_path: Path) -> None:
    file = write(tmp_path / "farm.geojson", SQUARE, mapping(box(2, 43, 3, 44)))
    assert [aoi.name for aoi in read_aois([file], each_feature=True).aois] == ["field 0", "field 1"]
    (tmp_path / "bare.wkt").write_text("POINT(1 2)\nPOINT(3 4)\n")
    assert [aoi.name for aoi in read_aois([tmp_path / "bare.wkt"], each_feature=True).aois] == ["bare-1", "bare-2"]


def test_text_itself_is_an_area() -> None:
    assert only("POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))").name == "aoi"
    assert only(json.dumps(SQUARE)).geometry.equals(box(1, 43, 2, 44))


def test_a_folder_gives_all_its_files(tmp_path: Path) -> None:
    write(tmp_path / "b.geojson", SQUARE)
    (tmp_path / "a.wkt").write_text("POINT(1 2)")
    (tmp_path / "readme.md").write_text("no area")
    (tmp_path / ".hidden.geojson").write_text("no area")
    assert [aoi.name for aoi in read_aois([tmp_path]).aois] == ["a", "b"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(SQUARE).encode())))
    assert only("-").name == "stdin"


def test_another_crs_is_reprojected(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    aoi = only(write(tmp_path / "utm.geojson", mapping(box(499_990, 4_799_990, 500_010, 4_800_010)), crs=crs))
    assert aoi.geometry.centroid.x == pytest.approx(3, abs=1e-3)
    assert aoi.geometry.centroid.y == pytest.approx(43.35, abs=1e-2)


def test_the_older_systems_sirgas_file_works(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4674"}}
    aoi = only(write(tmp_path / "aoi.geojson", mapping(box(-46, -24, -45, -23)), crs=crs))
    assert aoi.bounds == pytest.approx((-46, -24, -45, -23), abs=1e-5)


def test_a_crs_that_does_not_exist_is_named(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "EPSG:99999"}}
    with pytest.raises(InputError, match="99999"):
        read_aois([write(tmp_path / "x.geojson", SQUARE, crs=crs)])


def test_the_same_name_twice_is_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    sources = [write(tmp_path / "aoi.geojson", SQUARE), write(tmp_path / "one" / "aoi.geojson", SQUARE)]
    assert [aoi.name for aoi in read_aois(sources).aois] == ["aoi", "aoi-2"]


def test_notes_tell_what_was_mended(tmp_path: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    assert "mended" in read_aois([write(tmp_path / "x.geojson", bow_tie)]).notes[0]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone"):
        read_aois([tmp_path / "gone.geojson"])
    with pytest.raises(NotFoundError, match="no vector file"):
        read_aois([tmp_path])


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.geojson").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_aois([tmp_path / "x.geojson"])


def test_shapefile_and_geopackage(shared_data: Path) -> None:
    folder = next((shared_data / "parcels").iterdir())
    folder = folder if folder.is_dir() else folder.parent
    shapes = read_aois([folder / "ZH_Polygon_73129_ESCH_EPSG32632.shp", folder / "lake_lucerne.gpkg"])
    assert [aoi.name for aoi in shapes.aois] == ["ZH_Polygon_73129_ESCH_EPSG32632", "lake_lucerne"]
    for aoi in shapes.aois:
        assert box(7, 46, 10, 48).contains(aoi.geometry)


def test_a_broken_geopackage_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gpkg").write_bytes(b"not a database")
    with pytest.raises(InputError, match=r"x\.gpkg"):
        read_aois([tmp_path / "x.gpkg"])


def test_without_pyogrio_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gpkg").write_bytes(b"SQLite format 3\x00")
    code = (
        "import sys; sys.modules['pyogrio'] = None; sys.modules['pyogrio.errors'] = None\n"
        "from s2kit.area.aoi_files import read_aois\n"
        "from s2kit.errors import ConfigError\n"
        f"try:\n  read_aois([{str(tmp_path / 'x.gpkg')!r}])\nexcept ConfigError as error:\n  print(error, error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pyogrio" in done.stdout
    assert "s2kit[vector]" in done.stdout


def test_a_device_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_files, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(InputError, match="larger than 1 MB"):
        read_aois(["/dev/zero"])
