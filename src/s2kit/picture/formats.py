"""File formats of pictures and data: one row a format.

Pure: no input or output.
"""

from enum import StrEnum

from s2kit.run.choices import one_of


class PictureFormat(StrEnum):
    """File formats of pictures."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GTIFF = "gtiff"
    COG = "cog"

    @property
    def extension(self) -> str:
        """Of its files, without dot."""
        return {"jpeg": "jpg", "gtiff": "tif", "cog": "tif"}.get(self.value, self.value)

    @property
    def media_type(self) -> str:
        """IANA media type of its files, as STAC writes it."""
        kinds = {
            PictureFormat.GTIFF: "image/tiff; application=geotiff",
            PictureFormat.COG: "image/tiff; application=geotiff; profile=cloud-optimized",
        }
        return kinds.get(self, f"image/{self.value}")

    @property
    def is_tiff(self) -> bool:
        """True for the formats that can hold data."""
        return self in {PictureFormat.GTIFF, PictureFormat.COG}

    @property
    def has_quality(self) -> bool:
        """True for the formats that may lose detail."""
        return self in {PictureFormat.JPEG, PictureFormat.WEBP}


SPELLINGS = {"jpg": "jpeg", "tif": "gtiff", "tiff": "gtiff", "geotiff": "gtiff"}
"""Other names of formats, as file suffixes have them."""


def parse_format(text: str) -> PictureFormat:
    """Read `jpeg`, `png`, `webp`, `gtiff`, `cog`, or `jpg` and `tif`.

    Raises:
        UsageError: Any other text.
    """
    word = text.strip().lower().removeprefix(".")
    return PictureFormat(one_of("format", SPELLINGS.get(word, word), [form.value for form in PictureFormat]))
