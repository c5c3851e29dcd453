"""Parcels from files of every kind, good and bad."""

import json

import pytest
import shapely
from shapely.geometry import Polygon, box, mapping

from s2kit.area.parcel_files import areas_m2, parcel_path, read_parcels
from s2kit.area.projection import project
from s2kit.errors import InputError, NotFoundError


def write(path, features, **members):
    document = {"type": "FeatureCollection", "features": features, **members}
    path.write_text(json.dumps(document))
    return path


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": mapping(geometry), "properties": properties}


FIELD = box(1.5, 43.5, 1.51, 43.51)


def test_geojson(tmp_path):
    path = write(tmp_path / "p.geojson", [feature(FIELD, pid=7.0, CROPNAME="Barley", cropcode=None), feature(FIELD)])
    one, two = read_parcels(path).parcels
    assert (one.pid, one.cropname, one.cropcode, one.srid) == ("7", "Barley", None, 4326)
    assert two.pid == "feature-2"  # a made-up id is never one that a parcel could have
    assert one.geometry.equals(FIELD)


def test_mapped_names(tmp_path):
    path = write(tmp_path / "p.json", [feature(FIELD, feld="a", was="rye")])
    (one,) = read_parcels(path, {"pid": "feld", "cropname": "was", "cropcode": "cropcode"}).parcels
    assert (one.pid, one.cropname) == ("a", "rye")
    with pytest.raises(InputError, match="no attribute 'nr'"):
        read_parcels(path, {"pid": "nr"})


def test_another_crs_and_areas(tmp_path):
    square = box(580560, 5101700, 580660, 5101800)
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}
    (one,) = read_parcels(write(tmp_path / "p.geojson", [feature(square, id=3)], crs=crs)).parcels
    assert one.srid == 32632
    assert one.source_geometry.equals(square)
    assert one.geometry.bounds == pytest.approx((10.0416, 46.0641, 10.0429, 46.0650), abs=1e-4)
    assert areas_m2([one]) == [pytest.approx(10000, rel=0.001)]


def test_rings_are_mended_and_the_antimeridian_is_cut(tmp_path):
    bow = Polygon([(1, 1), (2, 2), (2, 1), (1, 2)])
    across = Polygon([(179.99, 0), (-179.99, 0), (-179.99, 0.01), (179.99, 0.01)])
    found = read_parcels(write(tmp_path / "p.geojson", [feature(bow, pid="bow"), feature(across, pid="fiji")]))
    assert [parcel.geometry.is_valid for parcel in found.parcels] == [True, True]
    assert found.parcels[1].geometry.geom_type == "MultiPolygon"
    assert len(found.notes) == 2
    utm = project(found.parcels[1].geometry, 4326, 32660)
    assert utm.bounds[2] - utm.bounds[0] == pytest.approx(2226, rel=0.01)


def test_holes_stay(tmp_path):
    ring = FIELD.difference(box(1.503, 43.503, 1.507, 43.507))
    (one,) = read_parcels(write(tmp_path / "p.geojson", [feature(ring)])).parcels
    assert one.geometry.equals(ring)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ("[]", "no GeoJSON object"),
        ('{"type": "FeatureCollection"}', "no list of features"),
        ('{"type": "FeatureCollection", "features": []}', "holds no geometry"),
        ('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "a Point"),
        ('{"type": "Polygon", "coordinates": []}', "holds no geometry"),
        ('{"type": "Polygon", "coordinates": [[[1, 2], [3]]]}', "no position"),
        ('{"type": "Polygon", "coordinates": [[[1, 99], [2, 99], [2, 98], [1, 99]]]}', "latitude"),
        (
            '{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "nowhere"}}, "features": '
            '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}}]}',
            "not known",
        ),
    ],
)
def test_files_that_are_no_parcels(tmp_path, text, why):
    path = tmp_path / "p.geojson"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        read_parcels(path)


def test_no_such_file(tmp_path):
    with pytest.raises(NotFoundError):
        read_parcels(tmp_path / "p.geojson")


def test_year_and_type_choose_the_file(tmp_path):
    (tmp_path / "p_2020_g.json").write_text("{}")
    template = str(tmp_path / "p_{year}_{ptype}.json")
    assert parcel_path(template, 2020, "g").name == "p_2020_g.json"
    with pytest.raises(NotFoundError, match="p_2021_g"):
        parcel_path(template, 2021, "g")
    with pytest.raises(NotFoundError, match="wants a year"):
        parcel_path(template)


def test_vector_formats(tmp_path):
    from pyogrio.raw import write as write_vector

    for suffix, driver in ((".gpkg", "GPKG"), (".shp", "ESRI Shapefile")):
        import numpy as np

        path = tmp_path / f"p{suffix}"
        square = box(580560, 5101700, 580660, 5101800)
        write_vector(
            path,
            geometry=np.array([shapely.to_wkb(square)], dtype=object),
            field_data=[np.array(["f1"], dtype=object), np.array([np.nan]), np.array([11])],
            fields=["pid", "yield", "cropcode"],
            crs="EPSG:32632",
            geometry_type="Polygon",
            driver=driver,
        )
        (one,) = read_parcels(path).parcels
        assert (one.pid, one.cropcode, one.srid) == ("f1", "11", 32632)
        assert one.attributes["yield"] is None
    (tmp_path / "bad.gpkg").write_text("no database")
    with pytest.raises(InputError, match="cannot be read"):
        read_parcels(tmp_path / "bad.gpkg")


def test_real_parcels(shared_data):
    real = read_parcels(shared_data / "parcels" / "eodal_zurich" / "ZH_Polygons_2020_ESCH_EPSG32632.shp").parcels
    assert len(real) == 281
    assert {parcel.srid for parcel in real} == {32632}
    assert all(parcel.cropname for parcel in real)
    assert sum(areas_m2(real)) == pytest.approx(sum(parcel.source_geometry.area for parcel in real), rel=0.001)


def test_made_up_ids_are_nobodys(tmp_path):
    fields = [feature(FIELD, pid=None), feature(FIELD, pid=1), feature(FIELD, pid="feature-1")]
    found = read_parcels(write(tmp_path / "p.geojson", fields))
    assert [parcel.pid for parcel in found.parcels] == ["_feature-1", "1", "feature-1"]
    assert "1 parcel has no id" in found.notes[0]
    without = read_parcels(write(tmp_path / "q.geojson", [feature(FIELD), feature(FIELD)])).parcels
    assert [parcel.pid for parcel in without] == ["1", "2"]


def test_equal_ids_are_reported_once(tmp_path):
    path = write(tmp_path / "p.geojson", [feature(FIELD, pid=1), feature(FIELD, pid=1), feature(FIELD, pid=1)])
    (note,) = read_parcels(path).notes
    assert "several parcels have the same id: 1" in note


def test_an_empty_geometry_counts_as_none(tmp_path):
    empty = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {"pid": "x"}}
    found = read_parcels(write(tmp_path / "p.geojson", [feature(FIELD, pid="a"), empty]))
    assert [parcel.pid for parcel in found.parcels] == ["a"]
    assert "1 feature without a geometry left out" in found.notes[0]


def test_a_shapefile_without_prj_takes_the_crs_that_is_said(tmp_path):
    import numpy as np
    from pyogrio.raw import write as write_vector

    path = tmp_path / "p.shp"
    square = shapely.to_wkb(box(580560, 5101700, 580660, 5101800))
    geometry = np.array([square], dtype=object)
    write_vector(
        path, geometry, [np.array(["f1"], dtype=object)], ["pid"], crs="EPSG:32632", geometry_type="Polygon",
        driver="ESRI Shapefile",
    )  # fmt: skip
    path.with_suffix(".prj").unlink()
    (one,) = read_parcels(f"{path}|crs=EPSG:32632").parcels
    assert one.srid == 32632
    assert one.centre == pytest.approx((10.04, 46.06), abs=0.1)
    with pytest.raises(InputError, match=r"latitude|longitude"):
        read_parcels(path)
