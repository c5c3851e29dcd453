"""What a cube shall be: the request, and how it is made of options."""

from dataclasses import dataclass, field, replace
from typing import Self, Unpack, cast

import shapely
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import Aoi, bbox_aoi, require_area, tile_aoi
from s2kit.area.aoi_files import read_aois
from s2kit.chips.places import WhichOptions, chosen_parcels
from s2kit.cube.composite import Composite
from s2kit.cube.grids import parse_crs
from s2kit.cube.layers import CubeLayer, parse_layers
from s2kit.cube.periods import Period
from s2kit.errors import UsageError
from s2kit.picture.clouds import Mask
from s2kit.picture.read import RESAMPLINGS, Resampling
from s2kit.product.cog_item import parse_boa_offset
from s2kit.product.ref import ProductRef, Products, product_refs
from s2kit.run.choices import one_of
from s2kit.run.events import Note, Report, silent
from s2kit.run.options import Rows, Text, Texts, rows, texts, words
from s2kit.settings import Loaded, Settings

DTYPES = ("uint16", "float32")


class CubeOptions(WhichOptions, total=False):
    """What a cube takes, by the names of the options of `s2kit cube`; None means not given."""

    aoi: Texts
    """Areas: files, WKT or GeoJSON."""
    bbox: Rows
    """Boxes `(west, south, east, north)` in degrees."""
    tile: Texts
    """MGRS tiles, `31TCJ`: areas of their own."""
    parcels: Text | None
    """A parcel file: the area of its parcels."""
    pid: Texts
    """Ids of parcels."""
    bands: Texts
    """Bands and layers, `B04,B08,SCL`."""
    index: Texts
    """Indices, `ndvi`."""
    res: float | None
    """Side of a pixel in the unit of the CRS; None for the finest band's own."""
    crs: str
    """`auto` or `EPSG:32631`."""
    resampling: str
    """`auto`, `nearest`, `bilinear`, `cubic` or `average`."""
    dtype: str
    """`uint16` (reflectance x 10 000) or `float32` (reflectance)."""
    dn: bool
    """True gives digital numbers as stored, if all products have the same offset."""
    mask: str | None
    """Scene classes that become no data, `3,8,9,10`."""
    mask_clouds: bool
    """True for those of the setting `cloud_classes`."""
    dilate: float | None
    """Metres around what is masked."""
    min_clear: float | None
    """Least share of clear pixels of a date, in percent."""
    composite: str | None
    """`median`, `mean`, `p25`, `max:ndvi`, `first-clear` or `count`."""
    period: str | None
    """`all`, `month`, `season`, `10d` or `P16D`."""
    boa_offset: str
    """`auto`, `applied`, `needed` or a number: offset of GeoTIFFs from baseline 04.00 on."""
    jobs: int | None
    """Worker processes; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeRequest:
    """What to make; nothing has been looked for yet."""

    area: BaseGeometry | None
    """Union of all areas in lon/lat; None for all that the named products show."""
    tiles: frozenset[str] = frozenset()
    """MGRS tiles if nothing else is the area: only their own products are taken; empty for any."""
    products: tuple[ProductRef, ...] | None = None
    """None for a search."""
    which: WhichOptions = field(default_factory=WhichOptions, hash=False)
    """Dates, level, cloud cover, catalogue."""
    layers: tuple[CubeLayer, ...]
    digital: bool = False
    resolution: float | None = None
    """Side of a pixel in the unit of the CRS; None for the finest band's own."""
    epsg: int | None = None
    """None for the UTM zone that holds most of the area."""
    resampling: Resampling = "auto"
    mask: Mask | None = None
    needs_classes: bool = False
    """True if the plan shall know where scene classes are, even without a mask."""
    min_clear_pct: float | None = None
    """Slices with fewer clear pixels among those with data are dropped."""
    composite: Composite | None = None
    period: Period = field(default_factory=lambda: Period("all"))
    boa_offset: str = "auto"
    loaded: Loaded

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.loaded.settings

    @classmethod
    def parse(
        cls,
        loaded: Loaded,
        report: Report = silent,
        *,
        products: Products = None,
        **options: Unpack[CubeOptions],
    ) -> Self:
        """The request that options mean; files of areas are read, nothing is searched.

        Args:
            loaded: The settings, for everything that is not given.
            report: Takes notes.
            products: Products or folders of products; None for a search.
            options: See `CubeOptions`.

        Raises:
            UsageError: Options that exclude each other, or a word that is not known.
            InputError: An area, band or class that is none.
            NotFoundError: A file of an area or a parcel that does not exist.
        """
        settings = loaded.settings.given(archive=options.get("archive"), jobs=options.get("jobs"))
        dtype = one_of("dtype", options.get("dtype", "uint16"), DTYPES)
        digital, res = options.get("dn", False), options.get("res")
        if digital and dtype != "uint16":
            raise UsageError("--dn gives digital numbers as stored, which are uint16", "leave out --dtype")
        if res is not None and not res > 0:
            raise UsageError(f"--res {res:g}: a pixel's side is above 0")
        composite, period = options.get("composite"), options.get("period")
        if composite is None and period is not None:
            raise UsageError("--period needs --composite", "as in --composite median --period month")
        refs, areas = product_refs(products), _areas(options, settings, report)
        if refs is None and not areas:
            raise UsageError(
                "neither products nor an area are named", "name products, or add --aoi FILE, --bbox W S E N or --tile"
            )
        boa_offset = options.get("boa_offset", "auto")
        parse_boa_offset(boa_offset)
        return cls(
            area=shapely.union_all([one.geometry for one in areas]) if areas else None,
            tiles=frozenset(one.tile for one in areas if one.tile) if all(one.tile for one in areas) else frozenset(),
            products=refs,
            which=_which(options),
            layers=parse_layers(words(options.get("bands")), words(options.get("index")), dtype=dtype, digital=digital),
            digital=digital,
            resolution=res,
            epsg=parse_crs(options.get("crs", "auto")),
            resampling=cast("Resampling", one_of("resampling", options.get("resampling", "auto"), RESAMPLINGS)),
            mask=_mask(options, settings),
            min_clear_pct=options.get("min_clear"),
            composite=Composite.parse(composite) if composite else None,
            period=Period.parse(period or "all"),
            boa_offset=boa_offset,
            loaded=replace(loaded, settings=settings),
        )


def _which(options: CubeOptions) -> WhichOptions:
    given: dict[str, object] = {name: value for name, value in options.items() if name in WhichOptions.__annotations__}
    return cast("WhichOptions", given)


def _mask(options: CubeOptions, settings: Settings) -> Mask | None:
    """The mask; `--min-clear` alone counts by `--mask-clouds`, which it then implies."""
    mask, implied = options.get("mask"), options.get("min_clear") is not None
    return Mask.parse(
        mask,
        mask_clouds=options.get("mask_clouds", False) or implied,
        dilate_m=options.get("dilate"),
        cloud_classes=settings.cloud_classes,
    )


def _areas(options: CubeOptions, settings: Settings, report: Report) -> list[Aoi]:
    files = read_aois(texts(options.get("aoi")))
    for note in files.notes:
        report(Note(note))
    found = [require_area(one, "a cube") for one in files.aois]
    found += [bbox_aoi(west, south, east, north) for west, south, east, north in rows(options.get("bbox"), 4, "bbox")]
    if options.get("parcels") is not None:
        chosen = chosen_parcels({"parcels": options["parcels"], "pid": options.get("pid")}, settings, report)
        found += [Aoi(one.pid, one.geometry) for one in chosen]
    elif options.get("pid"):
        raise UsageError("--pid chooses from a parcel file", "add --parcels FILE")
    return found + [tile_aoi(one) for one in texts(options.get("tile"))]
