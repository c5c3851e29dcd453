"""Places, recipes and records survive the pipe and the cache."""

import json
from datetime import UTC, datetime

import pytest
from shapely.geometry import box, mapping

from s2kit.chips.grid import ChipSize
from s2kit.chips.record import ChipRecord, ChipSite, ChipStyle, point_place, safe_name
from s2kit.errors import InputError
from s2kit.picture.stretch import parse_stretch

RECORD = ChipRecord(
    product="S2A_X",
    sensing=datetime(2024, 4, 19, 10, 50, 31, tzinfo=UTC),
    level="L2A",
    tile="31TCJ",
    baseline="05.10",
    files=("S2A_X.png",),
    epsg=32631,
    transform=(10.0, 0.0, 300000.0, 0.0, -10.0, 4900020.0),
    size_px=64,
    valid_pct=99.5,
    cloud_pct=None,
    scl={4: 10, 9: 1},
    limits=((1.0, 2.0),),
    footprint=mapping(box(0, 0, 1, 1)),
)


def test_records_round_trip_through_json():
    again = ChipRecord.from_json(json.loads(json.dumps(RECORD.to_json())))
    assert again.to_json() == json.loads(json.dumps(RECORD.to_json()))
    assert (again.sensing, again.scl, again.limits) == (RECORD.sensing, RECORD.scl, RECORD.limits)
    assert again.stamp == "20240419T105031"
    for broken in ({}, {**RECORD.to_json(), "transform": [1]}, {**RECORD.to_json(), "datetime": "?"}):
        with pytest.raises(InputError):
            ChipRecord.from_json(broken)


@pytest.mark.parametrize("name", ["../../x", "/abs/x", "..", ""])
def test_the_name_of_a_piped_place_is_no_path(name):
    place = ChipSite.from_json({"name": name, "title": name, "lon": 1.5, "lat": 43.6})
    assert "/" not in place.name
    assert place.name not in {"", ".", ".."}


def test_places_round_trip_through_json():
    place = ChipSite("p", "Parcel 7", 1.5, 43.5, 650.0, box(1, 43, 2, 44))
    assert ChipSite.from_json(json.loads(json.dumps(place.to_json()))) == place
    with pytest.raises(InputError):
        ChipSite.from_json({"name": "x"})
    with pytest.raises(InputError, match="no place on Earth"):
        point_place(0, 91)
    assert point_place(-1.5, -43.25).title == "43.25000° S, 1.50000° W"


def test_every_choice_changes_the_parameters():
    place = point_place(1.5, 43.5)
    plain = ChipStyle(bands=("B08", "B04", "B03"), size=ChipSize(metres=1280))
    others = [
        ChipStyle(bands=("B04",), size=ChipSize(metres=1280)),
        ChipStyle(bands=plain.bands, size=ChipSize(px=128)),
        ChipStyle(bands=plain.bands, size=plain.size, stretch=parse_stretch("1_99")),
        ChipStyle(bands=plain.bands, size=plain.size, res=20),
        ChipStyle(bands=plain.bands, size=plain.size, index="ndvi"),
        ChipStyle(bands=plain.bands, size=plain.size, raw=True),
        ChipStyle(bands=plain.bands, size=plain.size, resampling="cubic"),
        ChipStyle(bands=plain.bands, size=plain.size, boa_offset="needed"),
    ]
    texts = {json.dumps(recipe.parameters(place)) for recipe in [plain, *others]}
    assert len(texts) == 1 + len(others)
    assert plain.parameters(place) != plain.parameters(point_place(1.6, 43.5))
    assert plain.slug(place) == "E1_5N43_5_1280m_B08_B04_B03"


def test_names_of_files():
    assert safe_name("a/b c..d") == "a_b_c_d"
    assert safe_name("///") == "place"
