"""Areas from text in every format, and texts that are none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from s2kit.area.feature import WGS84, normal_crs
from s2kit.area.feature_text import looks_like_geometry, parse_features
from s2kit.errors import InputError

SQUARE = {"type": "Polygon", "coordinates": [[[1, 43], [2, 43], [2, 44], [1, 44], [1, 43]]]}


def feature(geometry: object = SQUARE, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


@pytest.mark.parametrize(
    "document",
    [
        SQUARE,
        feature(),
        {"type": "FeatureCollection", "features": [feature(), feature(None)]},
        {"type": "GeometryCollection", "geometries": [SQUARE]},
    ],
)
def test_every_form_of_geojson(document: dict[str, object]) -> None:
    (area,) = parse_features("\ufeff" + json.dumps(document)).features
    assert area.geometry.equals(box(1, 43, 2, 44))
    assert area.crs == WGS84


def test_coordinates_keep_all_their_digits() -> None:
    (area,) = parse_features('{"type":"Point","coordinates":[1.123456789012, 43.987654321098]}').features
    assert (area.geometry.x, area.geometry.y) == (1.123456789012, 43.987654321098)


def test_features_keep_their_names() -> None:
    text = json.dumps({"type": "FeatureCollection", "features": [feature(name=" north "), feature(id=7), feature()]})
    assert [area.name for area in parse_features(text).features] == ["north", "7", None]


def test_the_old_crs_member_is_read() -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4674"}}
    assert parse_features(json.dumps({**SQUARE, "crs": crs})).features[0].crs == "EPSG:4674"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", WGS84),
        ("EPSG:4326", WGS84),
        ("urn:ogc:def:crs:EPSG::4326", WGS84),
        ("urn:ogc:def:crs:EPSG:8.8.1:32734", "EPSG:32734"),
        ("epsg:3857", "EPSG:3857"),
    ],
)
def test_crs_names(name: str, expected: str) -> None:
    assert normal_crs(name, "x") == expected


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))",
        "polygon ((1 43,2 43,2 44,1 44,1 43))",
        "MULTIPOLYGON(((1 43, 2 43, 2 44, 1 44, 1 43)))",
        "SRID=4326;POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))",
    ],
)
def test_wkt(text: str) -> None:
    (area,) = parse_features(text).features
    assert area.geometry.equals(box(1, 43, 2, 44))


def test_wkt_with_a_srid_and_many_lines() -> None:
    areas = parse_features("SRID=32631;POINT(500000 4800000)\nPOINT(1 2)\n").features
    assert [area.crs for area in areas] == ["EPSG:32631", WGS84]


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>
<Placemark><name>north field</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
1,43,0 2,43,0 2,44,0 1,44,0 1,43,0</coordinates></LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing>
<coordinates>1.2,43.2 1.4,43.2 1.4,43.4 1.2,43.2</coordinates></LinearRing></innerBoundaryIs></Polygon></Placemark>
<Placemark><LineString><coordinates>1,43 2,44</coordinates></LineString></Placemark>
<Placemark><name>well</name><Point><coordinates>1.5,43.5</coordinates></Point></Placemark></Folder></Document></kml>"""


def test_kml() -> None:
    areas = parse_features(KML).features
    assert [(area.name, area.geometry.geom_type) for area in areas] == [
        ("north field", "Polygon"),
        (None, "LineString"),
        ("well", "Point"),
    ]
    assert len(areas[0].geometry.interiors) == 1


@pytest.mark.parametrize(
    "text",
    [
        'name,wkt\nfield,"POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))"\n',
        "WKT;Name\nPOLYGON((1 43, 2 43, 2 44, 1 44, 1 43));field\n;\n",
        "name\tgeometry\nfield\tSRID=4326;POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))\n",
    ],
)
def test_csv_with_wkt(text: str) -> None:
    (area,) = parse_features(text).features
    assert area.name == "field"
    assert area.geometry.equals(box(1, 43, 2, 44))


def test_csv_with_lon_and_lat() -> None:
    areas = parse_features("id,Longitude,Latitude,epsg\n7,1.5,43.5,\n8,500000,4800000,32631\n").features
    assert [area.name for area in areas] == ["7", "8"]
    assert areas[0].geometry.equals(Point(1.5, 43.5))
    assert areas[1].crs == "EPSG:32631"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("{", "not JSON"),
        ('{"type":"Point","coordinates":[NaN, 1]}', "not JSON"),
        ("[1, 2]", "no GeoJSON object"),
        ('{"type":"Topology"}', "Topology"),
        ('{"type":"FeatureCollection"}', "no list of features"),
        ('{"type":"FeatureCollection","features":[]}', "no geometry"),
        ('{"type":"Feature","geometry":null}', "no geometry"),
        ('{"type":"Feature","geometry":{"type":"Circle"}}', "Circle"),
        ('{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}', "bad Polygon"),
        ('{"type":"Polygon","coordinates":[[1,2],[3,4]]}', "coordinates are no list"),
        ('{"type":"Point","coordinates":["1", "2"]}', "no position"),
        ('{"type":"Point","coordinates":[1]}', "no position"),
        ('{"type":"Point","coordinates":[true,false]}', "no position"),
        ('{"type":"Point","coordinates":[1,2],"crs":{"properties":{"name":"mars"}}}', "mars"),
        ('{"type":"Point","coordinates":[1,2],"crs":{"type":"name"}}', "no name"),
        ('{"type":"GeometryCollection"}', "no list of geometries"),
        ("POLYGON((1 2, 3", "bad WKT"),
        ("POLYGON((1 43, 2 43, 2 44 1, 44, 1 43))", "bad WKT"),
        ("POLYGON((1 43, 2 43, 2 4 44, 1 43))", "differ in their number"),
        ("<kml><Placemark>", "not KML"),
        ("<html></html>", "no KML"),
        ("<kml><Placemark><Point><coordinates>a,b</coordinates></Point></Placemark></kml>", "no KML position"),
        ("<kml><Placemark><Polygon/></Placemark></kml>", "bad Polygon"),
        ("hello", "no GeoJSON, WKT or KML"),
        ("lon,lat\n1,north\n", "line 2.*north"),
        ("lon,lat\n1,inf\n", "inf"),
        ("name,wkt\nx,nonsense\n", "line 2.*no WKT"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><kml>&b;</kml>', "not KML"),
    ],
)
def test_bad_text_is_named(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_features(text, "field")


def test_what_is_a_geometry_and_what_a_file_name() -> None:
    assert looks_like_geometry("POINT (1 2)")
    assert looks_like_geometry(' {"type"')
    assert not looks_like_geometry("points.csv")
    assert not looks_like_geometry("polygon.geojson")


@given(
    st.text(max_size=200)
    | st.sampled_from(["{", "<", "POLYGON(", "lon,lat\n"]).flatmap(lambda a: st.text().map(lambda b: a + b))
)
def test_no_text_crashes_the_reader(text: str) -> None:
    try:
        areas = parse_features(text).features
    except InputError:
        return
    assert areas
