"""Whose data a product is, and how that is said; values only."""

from typing import NamedTuple


class Mission(NamedTuple):
    """A satellite mission."""

    name: str
    """For titles: `Sentinel-2`."""
    source: str
    """For CF's attribute `source`."""
    credit: str
    """What its licence wants to be said of what is made of its data; the year follows."""
    instruments: tuple[str, ...]
    """As STAC names them; empty if satellites of the mission have others."""

    @property
    def constellation(self) -> str:
        """As STAC names it."""
        return self.name.lower()


SENTINEL2 = Mission("Sentinel-2", "Copernicus Sentinel-2", "Contains modified Copernicus Sentinel data", ("msi",))
LANDSAT = Mission("Landsat", "USGS Landsat Collection 2", "Landsat image courtesy of the U.S. Geological Survey", ())


def mission_of(level: str) -> Mission:
    """The mission whose products have a level."""
    return LANDSAT if level in {"L2SP", "L2SR"} else SENTINEL2


def satellite_name(satellite: str) -> str:
    """A satellite in full: `Sentinel-2A` of `S2A`, `Landsat-9` of `L9`; in lower case it is STAC's `platform`."""
    return f"{'Sentinel' if satellite.startswith('S') else 'Landsat'}-{satellite[1:]}"
