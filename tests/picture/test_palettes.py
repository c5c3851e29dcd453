import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from s2kit.picture.indices import INDICES
from s2kit.picture.palettes import (
    legend_svg,
    legend_text,
    palette,
    palette_source,
    scene_legend,
    scene_palette,
    to_steps,
    value_legend,
    value_of,
)


def test_palettes_begin_with_no_data_and_end_at_their_anchors():
    colours = palette("burn")
    assert colours[0].tolist() == [0, 0, 0]
    assert colours[1].tolist() == [0xA5, 0, 0x26]
    assert colours[255].tolist() == [0, 0x68, 0x37]


@pytest.mark.parametrize("name", sorted({index.palette for index in INDICES.values()}))
def test_every_palette_has_a_source_and_no_black_value(name):
    assert "ColorBrewer" in palette_source(name)
    assert palette(name)[1:].any(axis=1).all()


def test_unknown_palette():
    with pytest.raises(KeyError):
        palette("rainbow")


def test_steps():
    values = np.array([np.nan, -5, -1, 0, 1, 5], np.float32)
    assert to_steps(values, -1, 1).tolist() == [0, 1, 1, 128, 255, 255]


@given(st.floats(-1, 1, width=32))
def test_a_step_tells_its_value(value):
    step = int(to_steps(np.array([value], np.float32), -1, 1)[0])
    assert value_of(step, -1, 1) == pytest.approx(value, abs=1 / 254 + 1e-5)


def test_vegetation_is_white_at_zero():
    index = INDICES["ndvi"]
    step = int(to_steps(np.array([0.0], np.float32), index.low, index.high)[0])
    assert palette(index.palette)[step].min() > 230


def test_legend_of_values_has_the_picture_s_colours():
    entries = value_legend("vegetation", -0.2, 1.0)
    assert [entry.label for entry in entries] == ["-0.20", "0.00", "0.20", "0.40", "0.60", "0.80", "1.00"]
    assert entries[-1].colour == tuple(int(part) for part in palette("vegetation")[255])
    assert legend_text(entries).startswith("-0.20 #3182bd; 0.00 #")


def test_scene_classes_have_esa_s_colours():
    colours = scene_palette()
    assert colours[6].tolist() == [0, 0, 255]
    assert colours[12].tolist() == [160, 160, 160]
    assert len(scene_legend()) == 12


def test_the_legend_is_well_formed_svg():
    root = fromstring(legend_svg("a < b & c", scene_legend()))
    assert root.tag.endswith("svg")
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert texts[0] == "a < b & c"
    assert "4 vegetation" in texts
