"""The one reader of vector files: every format, and files that are not what their name says."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import box, mapping

from s2kit.area.feature_files import read_features, read_file
from s2kit.errors import InputError, NotFoundError

SQUARE = box(1.2, 43.2, 1.4, 43.4)
FEATURE = {"type": "Feature", "properties": {"pid": "a"}, "geometry": mapping(SQUARE)}
KML = (
    '<?xml version="1.0" encoding="ISO-8859-1"?><kml xmlns="http://www.opengis.net/kml/2.2"><Placemark>'
    "<name>Gr\u00fcne Wiese</name><Point><coordinates>1.5,43.5</coordinates></Point></Placemark></kml>"
)


def write_vector(path: Path, driver: str, *, layer: str | None = None, append: bool = False) -> None:
    from pyogrio.raw import write

    geometry = np.array([shapely.to_wkb(SQUARE)], dtype=object)
    pids = np.array(["a"], dtype=object)
    write(
        path, geometry, [pids], ["pid"], crs="EPSG:4326", geometry_type="Polygon", driver=driver, layer=layer,
        append=append,
    )  # fmt: skip


def is_the_square(path: Path) -> bool:
    (one,) = read_file(path).features
    return bool(one.geometry.equals(SQUARE)) and one.attributes["pid"] == "a" and one.crs == "EPSG:4326"


@pytest.mark.parametrize(
    "text",
    [f"{json.dumps(FEATURE)}\n{json.dumps(FEATURE)}\n", f"\x1e{json.dumps(FEATURE)}\n\x1e{json.dumps(FEATURE)}\n"],
)
def test_sequences_of_geojson(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.geojsonl").write_text(text)
    assert len(read_file(tmp_path / "x.geojsonl").features) == 2


def test_a_bad_record_of_a_sequence_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.geojsonl").write_text(f'{json.dumps(FEATURE)}\n{{"type": "Feature", "geometry": 7 1}}\n')
    with pytest.raises(InputError, match="record 2"):
        read_file(tmp_path / "x.geojsonl")


def test_kml_in_the_encoding_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "x.kml").write_bytes(KML.encode("latin-1"))
    assert read_file(tmp_path / "x.kml").features[0].name == "Gr\u00fcne Wiese"


def test_kmz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.kmz", "w") as archive:
        archive.writestr("doc.kml", KML.encode("latin-1"))
        archive.writestr("files/icon.png", b"png")
    assert read_file(tmp_path / "x.kmz").features[0].geometry.equals(shapely.Point(1.5, 43.5))


@pytest.mark.parametrize("text", ["id;lon;lat\n1;1,3;43,3\n", "sep=;\nid;lon;lat\n1;1.3;43.3\n"])
def test_csv_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert read_file(tmp_path / "x.csv").features[0].geometry.equals(shapely.Point(1.3, 43.3))


@pytest.mark.parametrize(("suffix", "driver"), [(".gpkg", "GPKG"), (".shp", "ESRI Shapefile"), (".fgb", "FlatGeobuf")])
def test_formats_of_pyogrio(tmp_path: Path, suffix: str, driver: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_vector(path, driver)
    assert is_the_square(path)


def test_a_zipped_shapefile(tmp_path: Path) -> None:
    write_vector(tmp_path / "x.shp", "ESRI Shapefile")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for part in tmp_path.glob("x.*"):
            if part.suffix != ".zip":
                archive.write(part, f"folder/{part.name}")
    assert is_the_square(tmp_path / "x.zip")


def test_geoparquet(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}
    table = pyarrow.table({"pid": ["a"], "geometry": [shapely.to_wkb(SQUARE)]})
    parquet.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), tmp_path / "x.parquet")
    assert is_the_square(tmp_path / "x.parquet")
    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "y.parquet")
    with pytest.raises(InputError, match="no GeoParquet"):
        read_file(tmp_path / "y.parquet")


def test_layers_are_named_and_chosen(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "x.gpkg"
    write_vector(path, "GPKG", layer="fields")
    write_vector(path, "GPKG", layer="roads")
    with pytest.raises(InputError, match="2 layers: fields, roads"):
        read_file(path)
    assert len(read_file(path, layer="fields").features) == 1
    assert len(read_features(f"{path}|layername=roads")[0].features) == 1
    with pytest.raises(InputError, match="layer is not known"):
        read_features(f"{path}|layer=roads")
    with pytest.raises(InputError, match="no layer 'x'"):
        read_file(path, layer="x")
    assert not recwarn.list


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".parquet"])
def test_a_file_that_poses_as_another_is_not_opened(tmp_path: Path, suffix: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("id,lon,lat\n1,1,43\n")
    disguised = tmp_path / f"fields{suffix}"
    disguised.write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource>'
        '<GeometryField encoding="PointFromColumns" x="lon" y="lat"/></OGRVRTLayer></OGRVRTDataSource>'
    )
    with pytest.raises(InputError, match="it is no"):
        read_file(disguised)
    bare = tmp_path / "fields"
    bare.write_text(disguised.read_text())
    with pytest.raises(InputError, match="no KML"):
        read_file(bare)


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:9/crs", "/etc/passwd", "+proj=utm +zone=31", "urn:x-ogc:def:crs:EPSG:4326/../x"]
)
def test_a_crs_is_a_code_or_wkt_and_nothing_else(tmp_path: Path, name: str) -> None:
    document = {**FEATURE, "crs": {"type": "name", "properties": {"name": name}}}
    (tmp_path / "x.geojson").write_text(json.dumps(document))
    with pytest.raises(InputError, match="not known"):
        read_file(tmp_path / "x.geojson")


def test_text_that_is_neither_path_nor_geometry(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a file nor valid WKT") as caught:
        read_features("POLIGON((" + "1.2 43.2, " * 200 + "))")
    assert len(str(caught.value)) < 200
    with pytest.raises(NotFoundError, match="does not exist"):
        read_features(str(tmp_path / "gone.geojson"))


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2kit.area.feature_files.MAX_FILE_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "x.kmz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", b" " * 5000)
    with pytest.raises(InputError, match="unpacks to more"):
        read_file(tmp_path / "x.kmz")


@pytest.mark.parametrize(
    "text",
    [
        "GEOMETRYCOLLECTION(POINT(1 44), POLYGON EMPTY)",
        "MULTIPOLYGON(EMPTY, ((1 44, 2 44, 2 45, 1 44)))",
        '{"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 44]},'
        ' {"type": "Polygon", "coordinates": []}]}',
    ],
)
def test_empty_members_of_a_shape_do_not_count(text: str) -> None:
    from s2kit.area.aoi_files import read_aois

    (aoi,) = read_aois([text]).aois
    assert not any(part.is_empty for part in getattr(aoi.geometry, "geoms", [aoi.geometry]))


def test_rows_of_a_spreadsheet_without_a_place_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("name,lon,lat\nwell,1.3,43.3\n,,\n,,\n")
    found = read_file(tmp_path / "x.csv")
    assert [feature.name for feature in found.features] == ["well"]
    assert found.notes == (f"{tmp_path / 'x.csv'}: 2 features without a geometry left out",)
    (tmp_path / "x.csv").write_text("name,lon,lat\nwell,1.3,\n")
    with pytest.raises(InputError, match="line 2: '' in column lat is no number"):
        read_file(tmp_path / "x.csv")


def test_wkt_whose_first_word_is_wrong_is_no_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a file nor valid WKT"):
        read_features("POLYGN((1 44, 2 44, 2 45, 1 44))")
    with pytest.raises(NotFoundError, match="does not exist"):
        read_features(tmp_path / "a (1).geojson")
