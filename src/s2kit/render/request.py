"""What `render` is asked for: the options of the command line, checked and made into one frozen value.

It reads the files that options name (areas, batches) and no pixel.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict, Unpack, cast

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import bbox_aoi
from s2kit.area.aoi_files import read_aois
from s2kit.errors import UsageError
from s2kit.picture.clouds import Mask
from s2kit.picture.composites import allowed_resolution
from s2kit.picture.formats import PictureFormat, parse_format
from s2kit.picture.naming import DEFAULT_TEMPLATE, check_template
from s2kit.picture.read import RESAMPLINGS, Resampling
from s2kit.picture.stretch import Stretch, parse_stretch
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import ProductRef, Products, product_refs
from s2kit.render.batch import read_batch
from s2kit.render.spec import PictureSpec, specs_of
from s2kit.run.choices import one_of, typed
from s2kit.run.events import Note, Report, silent
from s2kit.run.options import Rows, Text, Texts, rows, texts

CLOUD_CLASSES = "3,8,9,10"
"""What the setting `cloud_classes` says unless it is set."""
DTYPES = ("uint8", "uint16", "float32")
DATA_TYPES = frozenset({"uint16", "float32"})
"""Types that hold numbers, not the greys of a picture."""


class RenderOptions(TypedDict, total=False):
    """What `render` takes, by the names of the options of `s2kit render`; None means not given."""

    bands: Texts
    """Bands of one picture each, as `B04,B03,B02@20`."""
    index: Texts
    """Indices, as `ndvi@20` or `name=formula`."""
    recipe: Texts
    """Named composites; true colour if no picture is named at all."""
    batch: Text | None
    """A JSON or CSV file of pictures."""
    res: int | None
    """Resolution in metres for pictures that name none."""
    stretch: str | None
    """As `parse_stretch` reads it; `auto` by default."""
    gamma: float | None
    """Exponent that brightens the middle; None for that of the stretch."""
    mask: str | None
    """Codes of the scene classification that become no data."""
    mask_clouds: bool
    """True makes the `cloud_classes` no data."""
    cloud_classes: str
    """Codes of the scene classification that are clouds and their shadows."""
    dilate: float | None
    """Metres around masked pixels that become no data too."""
    aoi: Texts
    """Areas: files, WKT, `-`."""
    bbox: Rows
    """Boxes in degrees: west, south, east, north."""
    clip: bool
    """True makes what lies outside the area no data."""
    crop: str | None
    """`legacy` for the part of the tile that the legacy service kept."""
    resampling: str
    """How bands of another resolution get onto the grid."""
    boa_offset: str
    """What the pixels of COGs need from baseline 04.00 on: `auto`, `applied`, `needed` or a number."""
    form: str | None
    """File format; None for JPEG, or a GeoTIFF if `dtype` asks for data."""
    dtype: str | None
    """`uint8`, `uint16` or `float32`."""
    quality: int
    """Of JPEG and WebP, 1 to 100."""
    out: Text | None
    """Folder of the outputs; None for the current one."""
    name_template: str | None
    """Pattern of file names, or `legacy`."""
    max_px: int | None
    """Longest side of the output in pixels."""
    same_stretch: bool
    """True for one stretch for all products."""
    overwrite: bool
    """True replaces outputs that exist."""
    stac: bool
    """True writes a STAC item beside each output."""
    dry_run: bool
    """True plans only."""
    jobs: int
    """Worker processes; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """All that a run is asked for; `parse` makes one of the options of the command line."""

    specs: tuple[PictureSpec, ...]
    products: tuple[ProductRef, ...] | None = None
    """None for every product of the dataset folder."""
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
    stac: bool = False
    """True writes a STAC item beside each output, as `NAME.json`."""
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
        cls, products: Products = None, *, report: Report = silent, **options: Unpack[RenderOptions]
    ) -> "RenderRequest":
        """The request that options mean.

        Args:
            products: The products that are named; None for all of the dataset folder.
            report: Takes notes about the area.
            options: See `RenderOptions`.

        Raises:
            UsageError: An option that is not understood; of several wrong pictures, all are named.
            InputError: A batch or an area that cannot be read.
            NotFoundError: A file that is not there.
        """
        crop, out, dtype = options.get("crop"), options.get("out"), options.get("dtype")
        if crop not in {None, "legacy"}:
            raise UsageError(f"crop {crop!r} is not known", "take --crop legacy, or --aoi or --bbox")
        return cls(
            specs=_specs(options),
            products=product_refs(products),
            out=Path(out) if out else Path(),
            form=_form(options.get("form"), dtype),
            dtype=dtype,
            quality=options.get("quality", 90),
            max_px=options.get("max_px"),
            boa_offset=_checked_offset(options.get("boa_offset", "auto")),
            resampling=cast("Resampling", one_of("resampling", options.get("resampling", "auto"), RESAMPLINGS)),
            same_stretch=options.get("same_stretch", False),
            mask=Mask.parse(
                options.get("mask"),
                mask_clouds=options.get("mask_clouds", False),
                dilate_m=options.get("dilate"),
                cloud_classes=options.get("cloud_classes", CLOUD_CLASSES),
            ),
            area=_area(options, report),
            clip=options.get("clip", False),
            legacy_crop=crop == "legacy",
            template=typed(check_template, options.get("name_template") or DEFAULT_TEMPLATE),
            overwrite=options.get("overwrite", False),
            stac=options.get("stac", False),
            dry_run=options.get("dry_run", False),
            jobs=options.get("jobs", 0),
        )


def _specs(options: RenderOptions) -> tuple[PictureSpec, ...]:
    """What is wanted: by the options, then by the batch; true colour if nothing is named."""
    bands, index, recipe = texts(options.get("bands")), texts(options.get("index")), texts(options.get("recipe"))
    batch, gamma = options.get("batch"), options.get("gamma")
    resolution_m = allowed_resolution(options.get("res"))
    usual: Stretch = typed(lambda words: parse_stretch(words, gamma), options.get("stretch") or "auto")
    if not (bands or index or recipe or batch):
        recipe = ("true-color",)
    specs = tuple(specs_of(bands=bands, index=index, recipe=recipe, res=resolution_m, stretch=usual))
    return specs if batch is None else (*specs, *read_batch(Path(batch), res=resolution_m, stretch=usual))


def _form(form: str | None, dtype: str | None) -> PictureFormat:
    if form is not None:
        return parse_format(form)
    return PictureFormat.GTIFF if dtype in DATA_TYPES else PictureFormat.JPEG


def _area(options: RenderOptions, report: Report) -> BaseGeometry | None:
    files, boxes = texts(options.get("aoi")), rows(options.get("bbox"), 4, "bbox")
    if not files and not boxes:
        return None
    found = read_aois(files)
    for note in found.notes:
        report(Note(note))
    around = [bbox_aoi(west, south, east, north) for west, south, east, north in boxes]
    return union_all([one.geometry for one in (*found.aois, *around)])


def _checked_offset(word: str) -> str:
    parse_boa_offset(word)
    return word
