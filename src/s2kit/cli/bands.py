"""`s2kit bands`: the bands of the instrument, and the layers beside them."""

from collections.abc import Iterator
from typing import Any

from s2kit.cli.context import session
from s2kit.cli.options import OutputFile, OutputFormat, chosen_format

COLUMNS = ("band", "name", "centre_nm_s2a", "centre_nm_s2b", "centre_nm_s2c", "resolution_m", "levels", "use", "source")


def bands(form: OutputFormat = None, output: OutputFile = None) -> None:
    """List bands and layers: wavelength, resolution, use, source."""
    from s2kit.cli.output import emit
    from s2kit.product.bands import SOURCE

    with session("bands"):
        extra = {"source": SOURCE}
        emit(
            records(), chosen_format(form, output), COLUMNS, command="bands", id_key="band", extra=extra, output=output
        )


def records() -> Iterator[dict[str, Any]]:
    """A record for each band, then for each layer."""
    from s2kit.product.bands import BANDS, COMMON_NAMES, LAYER_SOURCE, LAYERS, SATELLITES, SHORT_SOURCE

    common = {band: name for name, band in reversed(list(COMMON_NAMES.items()))}  # the first name of each band
    for band in BANDS.values():
        yield {
            "band": band.name,
            "name": band.colour,
            **{f"centre_nm_{satellite.lower()}": band.centre_nm.on(satellite) for satellite in SATELLITES},
            "resolution_m": band.resolution_m,
            "levels": ["L1C"] if band.name == "B10" else ["L1C", "L2A"],
            "use": band.use,
            "source": SHORT_SOURCE,
            "common_name": common.get(band.name),
        }
    for layer in LAYERS.values():
        yield {
            "band": layer.name,
            "name": layer.title,
            **{f"centre_nm_{satellite.lower()}": None for satellite in SATELLITES},
            "resolution_m": layer.resolution_m,
            "levels": sorted(level.value for level in layer.levels),
            "use": layer.use,
            "source": LAYER_SOURCE,
            "common_name": common.get(layer.name),
        }
