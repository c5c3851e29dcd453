"""Formats by their names and spellings."""

import pytest

from s2kit.errors import UsageError
from s2kit.picture.formats import PictureFormat, parse_format


@pytest.mark.parametrize(
    ("text", "form"),
    [
        *((form.value, form) for form in PictureFormat),
        ("JPG", PictureFormat.JPEG),
        ("tif", PictureFormat.GTIFF),
        (".tiff", PictureFormat.GTIFF),
        ("GeoTIFF", PictureFormat.GTIFF),
    ],
)
def test_names_and_suffixes(text, form):
    assert parse_format(text) is form


def test_another_format_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="--format 'gif' is not known") as caught:
        parse_format("gif")
    assert caught.value.hint == "take one of jpeg, png, webp, gtiff, cog"
