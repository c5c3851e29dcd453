"""What `render` is asked for, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from s2kit.errors import S2KitError, UsageError
from s2kit.picture.band_pixels import Resampling
from s2kit.picture.composites import Subject
from s2kit.picture.naming import DEFAULT_TEMPLATE
from s2kit.picture.stretch import Stretch
from s2kit.product.ref import ProductRef


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
    def is_tiff(self) -> bool:
        """True for the formats that can hold data."""
        return self in {PictureFormat.GTIFF, PictureFormat.COG}


DTYPES = ("uint8", "uint16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSpec:
    """One picture that is wanted of each product, or of one."""

    subject: Subject
    stretch: Stretch
    product: ProductRef | None = None
    """The only product that it is wanted of; None for all of the request."""
    label: str = ""
    """What messages call it: `--bands B04,B03,B02`, `jobs.json, entry 2`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """All that a run is asked for."""

    wishes: tuple[PictureSpec, ...]
    products: tuple[ProductRef, ...] = ()
    """Empty for every product of the dataset folder."""
    out: Path = field(default_factory=Path)
    form: PictureFormat = PictureFormat.JPEG
    dtype: str | None = None
    """`uint8` for a picture, `uint16` or `float32` for data; None for a picture, or for an index in a TIFF the data."""
    quality: int = 90
    max_px: int | None = None
    """Longest side of the output; None for all pixels."""
    resampling: Resampling = "auto"
    same_stretch: bool = False
    masked: frozenset[int] = frozenset()
    """Codes of the scene classification that become no data."""
    area: BaseGeometry | None = None
    """Longitude/latitude; only what it covers is rendered."""
    clip: bool = False
    """True to make what lies outside the area no data."""
    legacy_crop: bool = False
    template: str = DEFAULT_TEMPLATE
    overwrite: bool = False
    dry_run: bool = False
    jobs: int = 0

    def __post_init__(self) -> None:
        if not self.wishes:
            raise UsageError("nothing to render was named", "name --bands, --index or --recipe")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise UsageError(f"dtype {self.dtype!r} is not known", f"take one of {', '.join(DTYPES)}")
        if self.dtype in {"uint16", "float32"} and not self.form.is_tiff:
            raise UsageError(f"{self.form} holds pictures, not {self.dtype} data", "add --format gtiff or --format cog")
        if self.max_px is not None and self.max_px < 1:
            raise UsageError(f"--max-px {self.max_px} leaves no pixel", "take a number over 0, such as 1000")
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is none", "take 1 to 100")
        if self.clip and self.area is None:
            raise UsageError("--clip needs an area", "add --aoi or --bbox")


class OutputState(StrEnum):
    """What became of one output."""

    MADE = "made"
    KEPT = "kept"
    """It was there already, made by the same recipe."""
    PLANNED = "planned"
    """It would be made; only in a dry run."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One output of a run."""

    product: str
    subject: str
    state: OutputState
    path: Path | None = None
    resolution_m: float | None = None
    width: int | None = None
    height: int | None = None
    nbytes: int | None = None
    """Of the output; in a dry run, of the images that are read at most."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Stretch limits by band."""
    error: S2KitError | None = None

    def record(self) -> dict[str, object]:
        """A flat mapping for stdout."""
        return {
            "id": str(self.path) if self.path else "",
            "product": self.product,
            "subject": self.subject,
            "state": self.state.value,
            "path": str(self.path) if self.path else None,
            "resolution_m": self.resolution_m,
            "width": self.width,
            "height": self.height,
            "nbytes": self.nbytes,
            "limits": dict(self.limits),
            "error": str(self.error) if self.error else None,
        }
