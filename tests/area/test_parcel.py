"""Parcel fields and how parcels are chosen."""

import pytest
from shapely.geometry import MultiPolygon, box

from s2kit.area.parcel import Parcel, at_point, attribute_names, by_pid, matching, parse_where, text_or_none
from s2kit.errors import InputError, NotFoundError

BARLEY = Parcel("7", box(0, 0, 1, 1), "Barley", "101", attributes={"owner": "A", "year": 2020})
MAIZE = Parcel("8", box(1, 0, 2, 1), "maize", None, attributes={"owner": "B", "year": 2021.0})


def test_names_are_guessed_and_mapped():
    assert attribute_names(["GIS_ID", "NUTZUNGSCO", "NUTZUNG"]) == {
        "pid": "GIS_ID",
        "cropcode": "NUTZUNGSCO",
        "cropname": "NUTZUNG",
    }
    assert attribute_names(["id", "Code", "feld"], {"pid": "FELD"}) == {"pid": "feld", "cropcode": "Code"}
    with pytest.raises(InputError, match="no attribute 'nr' for pid"):
        attribute_names(["id"], {"pid": "nr"})


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), (7.0, "7"), (7.5, "7.5"), ("  ", None), (" a ", "a"), (0, "0")]
)
def test_attributes_as_text(value, text):
    assert text_or_none(value) == text


def test_where():
    assert parse_where("cropname = barley") == ("cropname", "barley")
    assert list(matching([BARLEY, MAIZE], [("cropname", "barley")])) == [BARLEY]
    assert list(matching([BARLEY, MAIZE], [("year", "2021"), ("owner", "b")])) == [MAIZE]
    assert list(matching([BARLEY], [("owner", "none")])) == []
    with pytest.raises(InputError, match="no parcel has an attribute 'colour'"):
        list(matching([BARLEY], [("colour", "red")]))
    with pytest.raises(InputError, match="key=value"):
        parse_where("cropname")


def test_by_id_and_by_point():
    assert by_pid([BARLEY, MAIZE], ["8", "7", "8"]) == [MAIZE, BARLEY]
    with pytest.raises(NotFoundError, match="no parcel has the id '9'"):
        by_pid([BARLEY, MAIZE], ["9"])
    assert at_point([BARLEY, MAIZE], 0.5, 0.5) == [BARLEY]
    assert at_point([BARLEY, MAIZE], 1, 0.5) == [BARLEY, MAIZE]


def test_the_centre_of_a_parcel_cut_at_the_antimeridian_is_in_its_larger_part():
    cut = Parcel("x", MultiPolygon([box(179.9, 0, 180, 0.1), box(-180, 0, -179.95, 0.1)]))
    assert cut.centre == pytest.approx((179.95, 0.05))
