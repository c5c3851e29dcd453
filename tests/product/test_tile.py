import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.product.tile import TileId

TILES = st.builds(
    TileId,
    zone=st.integers(1, 60),
    band=st.sampled_from("CDEFGHJKLMNPQRSTUVWX"),
    square=st.builds(str.__add__, st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ"), st.sampled_from("ABCDEFGHJKLMNPQRSTUV")),
)


@given(TILES, st.sampled_from(["", "T", "MGRS-"]))
def test_text_and_value_are_the_same_thing(tile: TileId, prefix: str) -> None:
    assert TileId.parse(f"{prefix}{tile}") == tile
    assert TileId.parse(f"{prefix}{tile}".lower()) == tile
    assert len(str(tile)) == 5


@pytest.mark.parametrize(
    ("text", "epsg"),
    [
        ("31TDH", 32631),
        ("29UNU", 32629),
        ("01KAB", 32701),
        ("1WCP", 32601),
        ("22HBD", 32722),
        ("33XWJ", 32633),
        ("60NXX", None),
    ],
)
def test_crs_follows_from_zone_and_band(text: str, epsg: int | None) -> None:
    if epsg is None:
        with pytest.raises(InputError, match="60NXX"):
            TileId.parse(text)
    else:
        assert TileId.parse(text).epsg == epsg


@pytest.mark.parametrize(
    "text",
    ["", "T", "00TDH", "61TDH", "31IDH", "31ODH", "31TIH", "31TDW", "31TD", "31TDHH", "311TDH", "31 TDH", "³1TDH"],
)
def test_what_is_no_tile_is_named(text: str) -> None:
    with pytest.raises(InputError, match="tile id") as caught:
        TileId.parse(text)
    assert caught.value.hint is not None


def test_a_tile_cannot_be_made_of_nonsense() -> None:
    with pytest.raises(InputError, match="tile id"):
        TileId(31, "I", "DH")
    assert TileId(31, "T", "DH") < TileId(32, "C", "AA")
