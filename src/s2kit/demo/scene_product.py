"""Names, dates and paths of a product that s2kit makes itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from s2kit.demo.spectra import BAND_NAMES
from s2kit.grid import Grid

NATIVE_M = (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20)
"""Native resolution of the bands in m, in the order of `BAND_NAMES`."""
_R10M = ("B02", "B03", "B04", "B08", "TCI", "AOT", "WVP")
_R20M = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "TCI", "AOT", "WVP", "SCL")
_R60M = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B09", "B11", "B12", "TCI", "AOT", "WVP", "SCL")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneProduct:
    """Everything that names and dates one product of an invented scene."""

    level: str
    """`L1C` or `L2A`."""
    baseline: str
    """`05.10`."""
    sensing: datetime
    """Start of the datatake, aware, whole seconds."""
    orbit: int
    """Absolute orbit."""
    relative_orbit: int
    tile: str
    """`31TCJ`."""
    grid: Grid
    """The 10 m grid."""
    satellite: str = "S2A"

    @property
    def has_offset(self) -> bool:
        """True from baseline 04.00 on: digital numbers carry an offset and masks are JPEG 2000 files."""
        return self.baseline >= "04.00"

    @property
    def offset(self) -> int:
        """What is added to a digital number before it is divided by the quantification."""
        return -1000 if self.has_offset else 0

    @property
    def checksum_name(self) -> str:
        """Algorithm of the manifest's checksums."""
        return "SHA3-256" if self.baseline >= "03.01" else "MD5"

    @property
    def generated(self) -> datetime:
        """When the product was made, by its name: L1C some hours after the pass, L2A after that."""
        return self.sensing + timedelta(hours=3 if self.level == "L1C" else 5, minutes=17, seconds=8)

    @property
    def name(self) -> str:
        """The product's name without `.SAFE`."""
        code = "N" + self.baseline.replace(".", "")
        return (
            f"{self.satellite}_MSI{self.level}_{stamp(self.sensing)}_{code}_R{self.relative_orbit:03d}"
            f"_T{self.tile}_{stamp(self.generated)}"
        )

    @property
    def granule(self) -> str:
        """Name of the granule's folder."""
        return f"{self.level}_T{self.tile}_A{self.orbit:06d}_{stamp(self.strip_start)}"

    @property
    def datastrip(self) -> str:
        """Name of the datastrip's folder."""
        return f"DS_2APS_{stamp(self.generated)}_S{stamp(self.strip_start)}"

    @property
    def strip_start(self) -> datetime:
        """Start of the datastrip."""
        return self.sensing - timedelta(seconds=1)

    @property
    def tile_sensing(self) -> datetime:
        """When the tile was seen."""
        return self.sensing + timedelta(minutes=4, seconds=11, milliseconds=537)

    @property
    def tile_id(self) -> str:
        """Long identifier of the granule."""
        return (
            f"{self.satellite}_OPER_MSI_{self.level}_TL_2APS_{stamp(self.generated)}"
            f"_A{self.orbit:06d}_T{self.tile}_N{self.baseline}"
        )

    @property
    def datastrip_id(self) -> str:
        """Long identifier of the datastrip."""
        return (
            f"{self.satellite}_OPER_MSI_{self.level}_DS_2APS_{stamp(self.generated)}"
            f"_S{stamp(self.strip_start)}_N{self.baseline}"
        )

    @property
    def datatake_id(self) -> str:
        """Identifier of the datatake."""
        return f"G{self.satellite}_{stamp(self.sensing)}_{self.orbit:06d}_N{self.baseline}"

    @property
    def metadata_name(self) -> str:
        """Path of the product's own metadata."""
        return f"MTD_MSI{self.level}.xml"

    @property
    def prefix(self) -> str:
        """What image names start with."""
        return f"T{self.tile}_{stamp(self.sensing)}"

    def images(self) -> tuple[tuple[str, int, str], ...]:
        """`(band or layer, resolution in m, path in the SAFE without .jp2)` of all images, in ESA's order."""
        folder = f"GRANULE/{self.granule}/IMG_DATA"
        if self.level == "L1C":
            # B8A stands between B08 and B09 by its number, and TCI at the end
            bands = tuple((band, NATIVE_M[at]) for at, band in enumerate(BAND_NAMES))
            return tuple((band, res, f"{folder}/{self.prefix}_{band}") for band, res in (*bands, ("TCI", 10)))
        names = ((10, _R10M), (20, _R20M if self.has_offset else _R20M[1:]), (60, _R60M))
        return tuple(
            (band, res, f"{folder}/R{res}m/{self.prefix}_{band}_{res}m") for res, bands in names for band in bands
        )


def stamp(when: datetime) -> str:
    """A time as product names have it."""
    return when.strftime("%Y%m%dT%H%M%S")


def iso(when: datetime) -> str:
    """A time as the metadata have it, with milliseconds."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
