import json

import pytest

from s2kit.errors import UsageError
from s2kit.grid import Bounds, Window
from s2kit.pixels.dump import PixelRequestError
from s2kit.pixels.request import PixelWish, outer_box, parse_requests, parse_window, part_of

KEY = "tiles/33/U/UP/X.SAFE/GRANULE/Y/IMG_DATA/Z_B8A.jp2"


@pytest.mark.parametrize("name", ["Path", "path"])
def test_the_older_services_body_is_taken_as_it_is(name):
    assert parse_requests(json.dumps({name: KEY, "rlevel": -1}), "gcp") == [
        PixelWish(source=KEY, rlevel=-1, archive="gcp", is_legacy=True)
    ]


def test_lists_defaults_and_addresses():
    found = parse_requests(json.dumps([{"Path": KEY}, {"path": "s3://b/k", "rlevel": 2}]), "gcp")
    assert found == [
        PixelWish(source=KEY, rlevel=-1, archive="gcp", is_legacy=True),
        PixelWish(source="s3://b/k", rlevel=2, is_legacy=True),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", "5", "[5]", "{}", '{"Path": 5}', '{"Path": " "}', '{"Path": "a", "rlevel": "x"}',
     '{"Path": "a", "rlevel": -2}', '{"Path": "a", "rlevel": true}', '{"Path": "a", "rlevel": 1.5}'],
)  # fmt: skip
def test_anything_else_is_a_bad_request(text):
    with pytest.raises(PixelRequestError):
        parse_requests(text, "gcp")


def test_windows():
    assert parse_window("5,-6,7,8") == Window(5, -6, 7, 8)
    for text in ("", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,0,4", "1.5,2,3,4"):
        with pytest.raises(UsageError, match="--window"):
            parse_window(text)


def test_boxes_and_shares():
    assert outer_box([]) is None
    assert outer_box([Bounds(0, 1, 2, 3), Bounds(-1, 2, 1, 5)]) == Bounds(-1, 1, 2, 5)
    assert part_of(None, 10, 10) == 1
    assert part_of(Window(5, 5, 10, 10), 10, 10) == 0.25
    assert part_of(Window(50, 5, 10, 10), 10, 10) == 0
