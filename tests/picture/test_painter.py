"""The one painter: looks, limits, colours, values, data."""

from dataclasses import replace

import numpy as np
import pytest

from s2kit.picture.indices import find_index
from s2kit.picture.limits import Limits
from s2kit.picture.painter import Look, Mode, PaintedBand, count, counted_limits, fixed_limits, has_data, paint
from s2kit.picture.stretch import parse_stretch
from s2kit.product.metadata import Radiometry

NEW = Radiometry(10000.0, -1000.0)


def bands(*names):
    return tuple(PaintedBand(name, NEW) for name in names)


def dn(*rows):
    return np.array([rows], np.uint16)


def test_limits_in_reflectance_apply_the_offset_and_stored_numbers_do_not():
    pixels = [dn([0, 1000, 2500, 4000])]
    look = Look(mode=Mode.COLOURS, bands=bands("B04"), stretch=parse_stretch("0:0.3"))
    made = paint(replace(look, limits=fixed_limits(look)), pixels)
    assert made[0, :, 0].tolist() == [0, 1, 128, 255]
    stored = Look(mode=Mode.COLOURS, bands=bands("B04"), stretch=parse_stretch("0:4000dn"))
    made = paint(replace(stored, limits=fixed_limits(stored)), pixels)
    assert made[0, :, 0].tolist() == [0, 64, 160, 255]


def test_tags_tell_stored_numbers_from_reflectance():
    look = Look(mode=Mode.COLOURS, bands=bands("B04"), stretch=parse_stretch("0:3000dn"))
    tags = replace(look, limits=fixed_limits(look)).tags
    assert tags["STRETCH"] == "0:3000dn"
    assert tags["STRETCH_MEANING"] == "stored numbers 0 to 3000"
    assert tags["STRETCH_LIMITS"] == "B04 -0.1:0.2"


def test_percentiles_are_of_data_and_no_data_is_no_data():
    look = Look(mode=Mode.COLOURS, bands=bands("B04"), stretch=parse_stretch("0_100"))
    assert look.needs_counts
    assert not look.needs_clear
    pixels = [dn([0, 0, 2000, 3000])]
    look = replace(look, limits=counted_limits(look, [[count(look.bands[0], pixels[0])]]))
    assert look.limits == (Limits(0.1, 0.2),)
    assert not look.needs_counts
    assert paint(look, pixels)[0, :, 0].tolist() == [0, 0, 1, 255]


def test_a_pixel_that_one_band_lacks_is_no_data_in_all():
    look = Look(mode=Mode.COLOURS, bands=bands("B04", "B03", "B02"), stretch=parse_stretch("0:0.3"))
    look = replace(look, limits=fixed_limits(look))
    made = paint(look, [dn([2000, 2000]), dn([2000, 0]), dn([2000, 2000])])
    assert made.shape == (1, 2, 3)
    assert made[0, 0].all()
    assert not made[0, 1].any()


def test_an_index_as_steps_and_as_values():
    pixels = [dn([4000, 0, 900]), dn([2000, 2000, 900])]
    look = Look(mode=Mode.DATA, bands=bands("B08", "B04"), dtype="float32", index=find_index("ndvi"))
    values = paint(look, pixels)
    assert values.shape == (1, 3, 1)
    assert values[0, 0, 0] == pytest.approx(0.5)
    assert np.isnan(values[0, 1:, 0]).all()  # no data; both below 0
    steps = paint(replace(look, mode=Mode.VALUES, dtype="uint8"), pixels)
    assert steps[0, :, 0].tolist() == [149, 0, 0]


def test_an_own_formula_takes_its_range_from_limits():
    look = Look(mode=Mode.VALUES, bands=bands("B08", "B04"), index=find_index("ratio=B08/B04"))
    assert look.value_range == (-1, 1)
    look = replace(look, stretch=parse_stretch("0:10"))
    assert look.value_range == (0, 10)
    assert look.tags["PALETTE_RANGE"] == "0:10"
    table = Look(mode=Mode.VALUES, bands=bands("B08", "B04"), index=find_index("ndvi"), stretch=parse_stretch("0:10"))
    assert table.value_range == (-0.2, 1)


def test_any_number_of_bands_of_data():
    look = Look(mode=Mode.DATA, bands=bands("B02", "B03"), dtype="float32")
    made = paint(look, [dn([0, 2000]), dn([1500, 1000])])
    assert np.isnan(made[0, 0, 0])
    assert made[0].ravel()[1:].tolist() == pytest.approx([0.05, 0.1, 0.0])
    assert look.channels == 2
    assert look.channel_names == ("B02", "B03")


@pytest.mark.parametrize(("dtype", "nothing"), [("uint8", 0), ("uint16", 0), ("float32", np.nan)])
def test_whether_there_is_any_data(dtype, nothing):
    look = Look(mode=Mode.DATA, bands=bands("B02"), dtype=dtype)
    pixels = np.full((600, 3, 1), nothing, dtype)
    assert not has_data(look, pixels)
    pixels[599, 2, 0] = 1
    assert has_data(look, pixels)


@pytest.mark.parametrize("text", ["auto", "2:98%", "0:0.3", "0:4000dn", "legacy"])
def test_small_and_large_pictures_have_the_same_bytes(text):
    """A small picture is computed, a large one looked up in a table."""
    rng = np.random.default_rng(3)
    pixels = [rng.integers(0, 9000, (1, 300, 300)).astype(np.uint16) for _ in range(3)]
    look = Look(mode=Mode.COLOURS, bands=bands("B08", "B04", "B03"), stretch=parse_stretch(text, 1.4))
    if look.needs_counts:
        counts = [[count(band, one)] for band, one in zip(look.bands, pixels, strict=True)]
        look = replace(look, limits=counted_limits(look, counts))
    else:
        look = replace(look, limits=fixed_limits(look))
    whole = paint(look, pixels)
    assert (paint(look, [one[:, :100] for one in pixels]) == whole[:100]).all()
