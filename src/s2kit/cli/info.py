"""`s2kit info`: what is this product?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from s2kit.cli.context import session
from s2kit.cli.inputs import named_products, with_folders_opened
from s2kit.cli.options import ArchiveName, FailIfEmpty, Format, OutputFile, OutputFormat, Products, chosen_format
from s2kit.errors import S2KitError, UsageError
from s2kit.run.wording import counted

if TYPE_CHECKING:
    from s2kit.admin.info import ProductInfo
    from s2kit.cli.context import Session
    from s2kit.product.ref import ProductRef

COLUMNS = (
    "id",
    "processing:level",
    "processing:version",
    "datetime",
    "tile",
    "sat:relative_orbit",
    "eo:cloud_cover",
    "s2kit:images",
    "s2kit:manifest",
    "s2kit:missing",
    "address",
)
_SHOWN = 5


def info(
    products: Products = None,
    form: OutputFormat = None,
    archive: ArchiveName = None,
    output: OutputFile = None,
    fail_if_empty: FailIfEmpty = False,
) -> None:
    """Describe products: level, time, bands, offset, missing files.

    s2kit info .
    """
    form = chosen_format(form, output)
    with session("info", fail_if_empty=fail_if_empty, archive=archive) as run:
        from s2kit.cli.output import emit, write_lines

        refs = named_products(products)
        if refs is None:
            raise UsageError("no product was named", "s2kit info S2….SAFE")
        refs = with_folders_opened(refs)
        run.items = len(refs)
        found = _each(run, refs)
        if form is Format.TABLE:
            write_lines((line for one in found for line in lines(one)), output)
        else:
            emit((one.record() for one in found), form, COLUMNS, command="info", output=output)
        run.close()


def _each(run: "Session", refs: "list[ProductRef]") -> "Iterator[ProductInfo]":
    from s2kit.admin.info import inspect

    for ref in refs:
        try:
            yield inspect(ref, run.settings)
        except S2KitError as error:
            run.fail(ref.text, error)


def lines(one: "ProductInfo") -> Iterator[str]:
    """A product described for a person."""
    yield one.id
    for label, texts in _facts(one):
        for number, text in enumerate(texts):
            yield f"  {'' if number else label:<10} {text}"


def _facts(one: "ProductInfo") -> Iterator[tuple[str, list[str]]]:
    from s2kit.product.mission import satellite_name

    about = one.metadata
    satellite = f", {satellite_name(about.satellite)}" if about.satellite else ""
    version = "baseline" if about.satellite is None or about.satellite.startswith("S") else "collection"
    yield "where", [one.address]
    yield "level", [f"{about.level}, {version} {about.baseline}{satellite}"]
    tile_time = f"; tile at {one.tile_times[0]:%H:%M:%S}" if len(one.tile_times) == 1 else ""
    yield "sensed", [f"{one.sensing:%Y-%m-%d %H:%M:%S} UTC{tile_time}"]
    crs = f", EPSG:{one.epsg}" if one.epsg else ""
    box = (
        f", x {one.bounds.west:.0f} to {one.bounds.east:.0f}, y {one.bounds.south:.0f} to {one.bounds.north:.0f}"
        if one.bounds
        else ""
    )
    yield "tile" if len(one.tiles) == 1 else "tiles", [f"{', '.join(one.tiles) or 'not known'}{crs}{box}"]
    if about.orbit:
        yield (
            "orbit",
            [" ".join(filter(None, (str(about.orbit), (about.orbit_direction or "").lower(), about.datatake)))],
        )
    if about.cloud_pct is not None:
        yield "cloud", [f"{about.cloud_pct:.1f} %"]
    if one.footprint is not None:
        yield "footprint", _footprint(one)
    yield "images", _by_resolution(one.images) or ["none"]
    yield "values", _values(one)
    yield "files", _files(one)


def _footprint(one: "ProductInfo") -> list[str]:
    from shapely import get_parts

    return [
        f"longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to {north:.4f}"
        for west, south, east, north in (part.bounds for part in get_parts(one.footprint))
    ]


def _by_resolution(images: Mapping[int, tuple[str, ...]]) -> list[str]:
    return [f"{resolution_m:>3} m  {' '.join(bands)}" for resolution_m, bands in images.items()]


def _values(one: "ProductInfo") -> list[str]:
    from s2kit.product.bands import is_reflectance

    about = one.metadata
    groups: dict[float, list[str]] = {}
    for band in (band for bands in one.images.values() for band in bands if is_reflectance(band)):
        groups.setdefault(one.offsets.get(band, 0.0), []).append(band)
    offsets = sorted(groups) or sorted(set(one.offsets.values())) or [0.0]
    texts = []
    for offset in offsets:
        what = "reflectance" if len(offsets) == 1 else f"reflectance of {' '.join(dict.fromkeys(groups[offset]))}"
        texts.append(f"{what} = {_formula(offset, about.quantification)}, offset from the {one.offset_source}")
    saturated = f", DN {about.saturated} is saturated" if about.saturated is not None else ""
    texts.append(f"DN {about.nodata} is no data{saturated}")
    if about.level == "L2A":
        texts.append(f"AOT = DN / {about.aot_quantification:g}, WVP = DN / {about.wvp_quantification:g} cm")
    texts += [f"{band} = {_formula(*scale)} K" for band, scale in one.temperatures.items()]
    return texts


def _formula(offset: float, quantification: float) -> str:
    """How digital numbers become values: with a divisor if that is a whole number, else with a factor."""
    sign = "-" if offset < 0 else "+"
    if quantification != round(quantification):
        return f"DN * {1 / quantification:g} {sign} {abs(offset / quantification):g}"
    number = "DN" if not offset else f"(DN {sign} {abs(offset):g})"
    return f"{number} / {quantification:g}"


def _files(one: "ProductInfo") -> list[str]:
    if one.listed is None:
        return [f"{_size(one.nbytes)}; no manifest.safe, so it is not known what is missing"]
    are = "is" if len(one.missing) == 1 else "are"
    texts = [f"{_size(one.nbytes)}; {len(one.missing)} of the manifest's {counted(one.listed, 'file')} {are} missing"]
    if one.doubt:
        texts.append(f"the manifest is not authoritative: {one.doubt}")
    if one.missing:
        texts += [f"missing {text}" for text in _by_resolution(one.missing_images)]
        texts += [f"missing {path}" for path in one.missing_others[:_SHOWN]]
        if len(one.missing_others) > _SHOWN:
            texts.append(f"missing {len(one.missing_others) - _SHOWN} more, all named by -f json")
    texts += [f"wrong size: {entry.path}" for entry in one.wrong_size[:_SHOWN]]
    if len(one.wrong_size) > _SHOWN:
        texts.append(f"wrong size: {len(one.wrong_size) - _SHOWN} more, all named by -f json")
    return texts


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:.1f} MB" if nbytes < 1e9 else f"{nbytes / 1e9:.2f} GB"
