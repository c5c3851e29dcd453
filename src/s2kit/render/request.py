"""What `render` is asked for: the options of the command line, checked and made into one frozen value.

It reads the files that options name (areas, batches) and no pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import bbox_aoi
from s2kit.area.aoi_files import read_aois
from s2kit.errors import UsageError
from s2kit.picture.clouds import Mask
from s2kit.picture.composites import allowed_resolution
from s2kit.picture.formats import PictureFormat, parse_format
from s2kit.picture.naming import DEFAULT_TEMPLATE, check_template
from s2kit.picture.read import Resampling
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import ProductRef
from s2kit.render.batch import read_batch
from s2kit.render.spec import PictureSpec, specs_of
from s2kit.run.choices import one_of, typed
from s2kit.run.events import Note, Report, silent

DTYPES = ("uint8", "uint16", "float32")
DATA_TYPES = frozenset({"uint16", "float32"})
"""Types that hold numbers, not the greys of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """All that a run is asked for; `parse` makes one of the options of the command line."""

    specs: tuple[PictureSpec, ...]
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
    boa_offset: str = "auto"
    """What the user says of the offset in COGs: `auto`, `applied`, `needed` or digital numbers."""
    same_stretch: bool = False
    mask: Mask | None = None
    """Which pixels become no data by their scene class."""
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
        if not self.specs:
            raise UsageError("nothing to render was named", "name --bands, --index or --recipe")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise UsageError(f"dtype {self.dtype!r} is not known", f"take one of {', '.join(DTYPES)}")
        if self.dtype in DATA_TYPES and not self.form.is_tiff:
            raise UsageError(f"{self.form} holds pictures, not {self.dtype} data", "take --format gtiff or cog")
        for spec in self.specs if self.dtype not in DATA_TYPES else ():
            spec.check_picture()
        if self.max_px is not None and self.max_px < 1:
            raise UsageError(f"--max-px {self.max_px} leaves no pixel", "take a number over 0, such as 1000")
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is out of range", "take 1 to 100")
        if self.clip and self.area is None:
            raise UsageError("--clip needs an area", "add --aoi or --bbox")
        if self.legacy_crop and self.area is not None:
            raise UsageError("--crop and an area exclude each other", "leave one out")

    @classmethod
    def parse(
        cls,
        products: Sequence[ProductRef] = (),
        *,
        bands: Sequence[str] | None = None,
        index: Sequence[str] | None = None,
        recipe: Sequence[str] | None = None,
        batch: Path | None = None,
        res: int | None = None,
        stretch: str | None = None,
        gamma: float | None = None,
        mask: str | None = None,
        mask_clouds: str | None = None,
        dilate: float | None = None,
        aoi: Sequence[str] | None = None,
        bbox: Sequence[tuple[float, float, float, float]] | None = None,
        clip: bool = False,
        crop: str | None = None,
        resampling: str = "auto",
        boa_offset: str = "auto",
        form: str | None = None,
        dtype: str | None = None,
        quality: int = 90,
        out: str | None = None,
        name_template: str | None = None,
        max_px: int | None = None,
        same_stretch: bool = False,
        overwrite: bool = False,
        dry_run: bool = False,
        jobs: int = 0,
        report: Report = silent,
    ) -> "RenderRequest":
        """Read the options of `s2kit render`; None means that an option was not given.

        Args:
            products: The products that were named; none for all of the dataset folder.
            bands: Bands of one picture each, as `B04,B03,B02@20`.
            index: Indices, as `ndvi@20` or `name=formula`.
            recipe: Named composites; true colour if no picture is named at all.
            batch: A JSON or CSV file of pictures.
            res: Resolution in metres for pictures that name none.
            stretch: As `parse_stretch` reads it; `auto` by default.
            gamma: Exponent that brightens the middle; None for that of the stretch.
            mask: Codes of the scene classification that become no data.
            mask_clouds: Codes of clouds that become no data.
            dilate: Metres around these pixels that become no data too.
            aoi: Areas: files, WKT, `-`.
            bbox: Boxes in degrees: west, south, east, north.
            clip: True to make what lies outside the area no data.
            crop: `legacy` for the part of the tile that the legacy service kept.
            resampling: How bands of another resolution get onto the grid.
            boa_offset: What the pixels of COGs need from baseline 04.00 on: `auto`, `applied`, `needed` or a number.
            form: File format; None for JPEG, or a GeoTIFF if `dtype` asks for data.
            dtype: `uint8`, `uint16` or `float32`.
            quality: Of JPEG and WebP, 1 to 100.
            out: Folder of the outputs; None for the current one.
            name_template: Pattern of file names, or `legacy`.
            max_px: Longest side of the output in pixels.
            same_stretch: True for one stretch for all products.
            overwrite: True to replace outputs that exist.
            dry_run: True to plan only.
            jobs: Worker processes; 0 takes every core.
            report: Takes notes about the area.

        Raises:
            UsageError: An option that is not understood; of several wrong pictures, all are named.
            InputError: A batch or an area that cannot be read.
            NotFoundError: A file that is not there.
        """
        if crop not in {None, "legacy"}:
            raise UsageError(f"crop {crop!r} is not known", "take --crop legacy, or --aoi or --bbox")
        return cls(
            specs=_specs(bands or (), index or (), recipe or (), batch, res, stretch, gamma),
            products=tuple(products),
            out=Path(out) if out else Path(),
            form=_form(form, dtype),
            dtype=dtype,
            quality=quality,
            max_px=max_px,
            boa_offset=_checked_offset(boa_offset),
            resampling=cast("Resampling", one_of("resampling", resampling, get_args(Resampling))),
            same_stretch=same_stretch,
            mask=Mask.parse(mask, mask_clouds=bool(mask_clouds), dilate_m=dilate, cloud_classes=mask_clouds or ""),
            area=_area(aoi or (), bbox or (), report),
            clip=clip,
            legacy_crop=crop == "legacy",
            template=typed(check_template, name_template or DEFAULT_TEMPLATE),
            overwrite=overwrite,
            dry_run=dry_run,
            jobs=jobs,
        )


def _specs(
    bands: Sequence[str],
    index: Sequence[str],
    recipe: Sequence[str],
    batch: Path | None,
    res: int | None,
    stretch: str | None,
    gamma: float | None,
) -> tuple[PictureSpec, ...]:
    """What is wanted: by the options, then by the batch; true colour if nothing is named."""
    resolution_m = allowed_resolution(res)
    usual: Stretch = typed(lambda text: parse_stretch(text, gamma), stretch or "auto")
    if not (bands or index or recipe or batch):
        recipe = ("true-color",)
    specs = tuple(specs_of(bands=bands, index=index, recipe=recipe, res=resolution_m, stretch=usual))
    return specs if batch is None else (*specs, *read_batch(batch, res=resolution_m, stretch=usual))


def _form(form: str | None, dtype: str | None) -> PictureFormat:
    if form is not None:
        return parse_format(form)
    return PictureFormat.GTIFF if dtype in DATA_TYPES else PictureFormat.JPEG


def _area(aoi: Sequence[str], bbox: Sequence[tuple[float, float, float, float]], report: Report) -> BaseGeometry | None:
    if not aoi and not bbox:
        return None
    found = read_aois(aoi)
    for note in found.notes:
        report(Note(note))
    return union_all([one.geometry for one in (*found.aois, *(bbox_aoi(*numbers) for numbers in bbox))])


def _checked_offset(text: str) -> str:
    parse_boa_offset(text)
    return text
