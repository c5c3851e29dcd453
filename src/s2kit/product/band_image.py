"""One image of a product with all that turns its pixels into values; computes."""

from dataclasses import dataclass

from s2kit.grid import Grid
from s2kit.product.bands import is_measured, is_reflectance
from s2kit.product.tile import Tile
from s2kit.store.location import ImageLocation


@dataclass(frozen=True, slots=True)
class BandImage:
    """One image of a product, ready to be read in any process: `rho = (DN + offset) / quantification`."""

    band: str
    """Band or layer under its product's own name: `B04`, `SCL`, of Landsat `red` …"""
    resolution_m: int
    path: str
    """Below the SAFE folder; of a COG item, the file's name."""
    location: ImageLocation
    """Where its bytes are."""
    grid: Grid
    """Its pixel grid: size, corner, CRS."""
    offset: float
    """What to add to a digital number; 0 for layers."""
    quantification: float
    """What to divide by then; 1 for SCL, TCI and PVI, which are no measurements."""
    nodata: int
    """The digital number that means no data; in TCI and PVI all three components have it."""
    saturated: int | None
    """The digital number that means saturated, None for layers; in practice saturation is in the masks."""
    tile: Tile | None
    """None for an image of a cube."""
    product: str = ""
    """Id of its product: the name without `.SAFE`."""
    nbytes: int = 0
    """Bytes of its file; 0 if that is not known."""

    @property
    def is_reflectance(self) -> bool:
        """True for spectral bands, False for layers."""
        return is_reflectance(self.band)

    @property
    def is_measured(self) -> bool:
        """True for images of a physical quantity; False for classes, flags and pictures."""
        return is_measured(self.band)

    @property
    def is_picture(self) -> bool:
        """True for ready three-component pictures (TCI, PVI)."""
        return self.band in {"TCI", "PVI"}

    @property
    def is_classes(self) -> bool:
        """True for images of class codes or flags (SCL, `qa_pixel`), whose pixels are picked and never mixed."""
        return self.band in {"SCL", "qa_pixel"}
