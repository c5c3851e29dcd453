"""Options of chips made into their style and request."""

from pathlib import Path
from typing import Any

import pytest

from s2kit.chips import ChipsRequest
from s2kit.chips.request import parse_style
from s2kit.errors import InputError, UsageError
from s2kit.settings import Loaded, Settings


def test_bands_may_be_listed_or_repeated() -> None:
    assert parse_style({}).bands == ("B08", "B04", "B03")
    for given in ("B08,B04,B03", "B08_B04_B03", ["B08", "B04", "b3"], ["B08,B04", "B03"]):
        assert parse_style({"bands": given}).bands == ("B08", "B04", "B03")
    assert parse_style({"bands": ["B02", "SCL"], "raw": True}).bands == ("B02", "SCL")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"bands": "B04", "index": "ndvi"}, UsageError),
        ({"chipsize": 100.0, "size_px": 10}, UsageError),
        ({"resampling": "lanczos"}, UsageError),
        ({"bands": "B04,B08"}, InputError),
        ({"res": 25}, UsageError),
    ],
    ids=str,
)
def test_options_that_exclude_each_other(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_style(options)


def test_a_request_of_named_products(scene: Any, tmp_path: Path) -> None:
    loaded = Loaded(Settings(dataset=scene.folder, cache_dir=tmp_path), {}, {})
    asked = ChipsRequest.parse(loaded, products=[scene.folder], lon=0.52, lat=44.21, limit=0, jobs=1)
    assert (asked.named, asked.limit, asked.jobs, asked.level, len(asked.places)) == (True, None, 1, None, 1)
    assert ChipsRequest.parse(loaded, products=[], lon=0.52, lat=44.21).found == ()
    with pytest.raises(UsageError, match="--lon and --lat"):
        ChipsRequest.parse(loaded, products=[], lon=0.52)
