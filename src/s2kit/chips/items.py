"""STAC items beside chips: one a product and place, with its files as assets. Touches files."""

from math import nan
from pathlib import Path

from s2kit.chips.output import ChipsOutput
from s2kit.chips.record import ChipRecord, ChipSite, ChipStyle
from s2kit.chips.request import ChipsRequest
from s2kit.chips.run import ChipsResult
from s2kit.grid import Grid
from s2kit.picture.stac_item import StacAsset, StacBand, StacFacts, write_stac
from s2kit.product.mission import mission_of

_RAW = "image/tiff; application=geotiff"


def write_items(result: ChipsResult, request: ChipsRequest, output: ChipsOutput) -> tuple[Path, ...]:
    """Write the items; those of an earlier run are replaced. Returns their paths.

    Raises:
        OutputError: They cannot be written.
    """
    addresses = {one.id: one.ref.text for one in request.found}
    several = len(result.series) > 1
    made = []
    for series in result.series:
        folder = output.folder / series.place.name if several else output.folder
        made += [_item(record, request.recipe, series.place, folder, addresses) for record in series.chips]
    return tuple(made)


def _item(record: ChipRecord, style: ChipStyle, place: ChipSite, folder: Path, addresses: dict[str, str]) -> Path:
    side_m, _, west, _, _, north = record.transform
    assets = []
    for at, file in enumerate(record.files):
        path = folder / file
        if path.suffix == ".tif":
            name = style.index_name or record.bands[at]
            band = StacBand(name, name, "float32", nan) if style.index else StacBand(name, name, "uint16", 0)
            assets.append(StacAsset(name, path, _RAW, ("data",), (band,)))
        else:
            assets.append(StacAsset("visual", path, "image/png", ("visual",)))
    names = (record.product, *record.companions)
    facts = StacFacts(
        id=f"{record.product}_{place.name}",
        grid=Grid(record.epsg, west, north, side_m, record.size_px, record.size_px),
        start=record.sensing,
        end=record.sensing,
        title=place.title,
        missions=(mission_of(record.level),),
        sources=tuple((name, addresses.get(name, "")) for name in names),
    )
    return write_stac(facts, assets, folder / f"{record.product}.json")
