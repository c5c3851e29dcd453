import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import AccessError, InputError, NotFoundError, ServiceError, TryLaterError
from s2kit.pixels.dump import (
    LegacyError,
    NoSuchLevelError,
    PixelFormat,
    PixelRequestError,
    csv_chunks,
    json_chunks,
    legacy_error,
    statistics,
)

GREY = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint16)
COLOUR = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def test_json_has_the_older_services_keys():
    answer = json.loads("".join(json_chunks(GREY, 1.5, 0.25, {})))
    assert list(answer) == ["img_data", "shape", "time_download", "time_processing"]
    assert answer == {"img_data": GREY[0].tolist(), "shape": [2, 3], "time_download": 1.5, "time_processing": 0.25}


def test_several_components_are_a_list_a_pixel():
    answer = json.loads("".join(json_chunks(COLOUR, 0, 0, {"more": None})))
    assert answer["img_data"] == [[[0, 4, 8], [1, 5, 9]], [[2, 6, 10], [3, 7, 11]]]
    assert answer["shape"] == [2, 2]
    assert answer["more"] is None


def test_csv():
    assert "".join(csv_chunks(GREY)) == "1,2,3\n4,5,6\n"
    assert "".join(csv_chunks(COLOUR)).splitlines()[:3] == ["row,col,c0,c1,c2", "0,0,0,4,8", "0,1,1,5,9"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PixelRequestError("x"), "Bad json"),
        (NotFoundError("x"), "Image not found"),
        (AccessError("x"), "Could not download image"),
        (TryLaterError("x"), "Could not download image"),
        (ServiceError("x"), "Could not download image"),
        (InputError("x"), "Error parsing jp2"),
        (NoSuchLevelError("x"), "Error parsing jp2"),
    ],
)
def test_each_error_has_one_of_the_four_texts(error, text):
    assert legacy_error(error) == text
    assert len(LegacyError) == 4


def test_statistics_leave_no_data_out():
    found = statistics(np.array([[0, 0], [10, 30]], np.uint16), 0)
    assert (found["min"], found["max"], found["mean"], found["std"], found["nodata_pct"]) == (10, 30, 20, 10, 50)
    assert found["percentiles"]["50"] == 20
    assert sum(found["histogram"]["counts"]) == 2
    empty = statistics(np.zeros((2, 2), np.uint16), 0)
    assert (empty["mean"], empty["nodata_pct"]) == (None, 100)
    json.dumps([found, empty], allow_nan=False)


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=200))
def test_histograms_count_every_value_once(values):
    found = statistics(np.array([values], np.uint16), None)
    edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
    assert sum(counts) == len(values)
    assert len(edges) == len(counts) + 1 <= 65
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        assert count == sum(low <= value < high for value in values)


def test_floats_have_histograms_too():
    found = statistics(np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10), None)
    assert sum(found["histogram"]["counts"]) == 100


def test_suffixes():
    assert {form.suffix for form in PixelFormat} == {".json", ".npy", ".csv", ".tif"}
