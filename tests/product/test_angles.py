"""Angles of sun and view: at the nodes what the metadata says, between them bilinear, the mean of bands and detectors."""

from collections.abc import Sequence

import numpy as np
import pytest

from s2kit.errors import InputError
from s2kit.product.angles import parse_angles

HEAD = """<n1:Level-2A_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-2A_Tile_Metadata.xsd">
<n1:General_Info><TILE_ID>S2A_OPER_MSI_L2A_TL_2APS_20250301T143000_A000123_T31TDH_N05.11</TILE_ID></n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32631</HORIZONTAL_CS_CODE>
<Size resolution="10"><NROWS>10980</NROWS><NCOLS>10980</NCOLS></Size>
<Geoposition resolution="10"><ULX>399960</ULX><ULY>4800000</ULY><XDIM>10</XDIM><YDIM>-10</YDIM></Geoposition>
</Tile_Geocoding><Tile_Angles>"""


def table(name: str, rows: Sequence[str]) -> str:
    lines = "".join(f"<VALUES>{row}</VALUES>" for row in rows)
    return f'<{name}><COL_STEP unit="m">5000</COL_STEP><Values_List>{lines}</Values_List></{name}>'


def document(*views: tuple[Sequence[str], Sequence[str]]) -> bytes:
    sun = table("Zenith", ["50 51", "52 53"]) + table("Azimuth", ["359 1", "359 1"])
    seen = "".join(
        f'<Viewing_Incidence_Angles_Grids bandId="{at}" detectorId="1">{table("Zenith", zenith)}'
        f"{table('Azimuth', azimuth)}</Viewing_Incidence_Angles_Grids>"
        for at, (zenith, azimuth) in enumerate(views)
    )
    grids = f"<Sun_Angles_Grid>{sun}</Sun_Angles_Grid>{seen}"
    return f"{HEAD}{grids}</Tile_Angles></n1:Geometric_Info></n1:Level-2A_Tile_ID>".encode()


def at(xml: bytes, name: str, east: float, south: float) -> float:
    return float(parse_angles(xml)[name].degrees_at(np.array([399960 + east]), np.array([4800000 - south]))[0])


def test_nodes_are_as_said_and_between_them_is_the_mean() -> None:
    xml = document()
    assert at(xml, "sunZenithAngles", 0, 0) == pytest.approx(50, abs=1e-4)
    assert at(xml, "sunZenithAngles", 5000, 5000) == pytest.approx(53, abs=1e-4)
    assert at(xml, "sunZenithAngles", 2500, 2500) == pytest.approx(51.5, abs=1e-3)
    north = at(xml, "sunAzimuthAngles", 2500, 0)
    assert min(north, 360 - north) < 1e-3, "between 359 and 1 lies 0, not 180"
    assert np.isnan(at(xml, "sunZenithAngles", 20_000, 0))


def test_the_view_is_the_mean_of_bands_and_nodes_that_were_not_seen_count_nothing() -> None:
    xml = document((["4 NaN", "4 NaN"], ["100 NaN", "100 NaN"]), (["6 8", "6 NaN"], ["110 120", "110 NaN"]))
    assert at(xml, "viewZenithMean", 0, 0) == pytest.approx(5, abs=1e-2)
    assert at(xml, "viewZenithMean", 5000, 0) == pytest.approx(8, abs=1e-4)
    assert at(xml, "viewAzimuthMean", 0, 5000) == pytest.approx(105, abs=1e-2)
    assert at(xml, "viewZenithMean", 4999, 5000) == pytest.approx(5, abs=1e-2), "the nearest node that was seen"
    assert set(parse_angles(document())) == {"sunAzimuthAngles", "sunZenithAngles"}


def test_a_table_that_is_none() -> None:
    with pytest.raises(InputError, match="Sun_Angles_Grid is no table of numbers"):
        parse_angles(document().replace(b"<VALUES>50 51</VALUES>", b"<VALUES>50 x</VALUES>"))
    with pytest.raises(InputError, match="different sizes"):
        parse_angles(document((["4 4"], ["1 1"]), (["4"], ["1"])))
