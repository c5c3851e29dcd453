"""Digital numbers as physical values: `(DN + offset) / quantification`, float32, DN 0 stays no data.

The rule is that of the Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD, issue 14, "Radiometric
Offset"): the offset is -1000 for reflectance from baseline 04.00 on and 0 before, AOT and WVP have none.
"""

import numpy as np
from numpy.typing import NDArray

from s2kit.product.metadata import Radiometry


def to_physical(dn: NDArray[np.integer], radiometry: Radiometry, nodata: int = 0) -> NDArray[np.float32]:
    """Reflectance (or optical thickness, or centimetres of water) of digital numbers, NaN where there is no data.

    Args:
        dn: Digital numbers of any shape.
        radiometry: Quantification and offset from the product's metadata.
        nodata: The digital number that means no data.
    """
    values = dn.astype(np.float32)
    values += np.float32(radiometry.offset)
    values /= np.float32(radiometry.quantification)
    values[dn == nodata] = np.nan
    return values


def physical(dn: float, radiometry: Radiometry) -> float:
    """One digital number as a physical value; digital numbers between two whole ones are allowed."""
    return (dn + radiometry.offset) / radiometry.quantification


def digital(value: float, radiometry: Radiometry) -> float:
    """The digital number, not rounded, that stands for a physical value."""
    return value * radiometry.quantification - radiometry.offset
