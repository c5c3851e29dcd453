import re
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from s2kit.errors import InputError
from s2kit.product.bands import BANDS, L2A_BANDS, LAYERS, SATELLITES, SOURCE, band_of_id, normal_band, usual_images
from s2kit.product.name import Baseline, Level, ProductName, parse_product_name


def test_the_table_is_whole() -> None:
    assert list(BANDS) == [*(f"B{number:02d}" for number in range(1, 9)), "B8A", "B09", "B10", "B11", "B12"]
    assert [band.band_id for band in BANDS.values()] == list(range(13))
    assert {band.resolution_m for band in BANDS.values()} == {10, 20, 60}
    assert all(band.use and band.colour for band in BANDS.values())
    assert all(layer.use and layer.title for layer in LAYERS.values())
    assert "COPE-GSEG-EOPG-TN-15-0007" in SOURCE


def test_wavelengths_rise_and_agree_between_the_satellites() -> None:
    for satellite in SATELLITES[:3]:
        centres = [band.centre_nm.on(satellite) for band in BANDS.values()]
        assert centres == sorted(c for c in centres if c is not None)
    for band in BANDS.values():
        assert max(band.centre_nm[:3]) - min(band.centre_nm[:3]) < 20
        assert band.centre_nm.on("S2D") is None
        assert band.centre_nm.on("S3A") is None
        assert band.centre_nm.on("s2a") == band.centre_nm.s2a


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("b4", "B04"),
        ("B4", "B04"),
        ("04", "B04"),
        ("4", "B04"),
        ("8a", "B8A"),
        ("b08A", "B8A"),
        (" b12 ", "B12"),
        ("scl", "SCL"),
        ("Tci", "TCI"),
    ],
)
def test_one_spelling_of_a_band(text: str, name: str) -> None:
    assert normal_band(text) == name


@given(st.sampled_from([*BANDS, *LAYERS]))
def test_a_proper_name_stays(name: str) -> None:
    assert normal_band(name) == normal_band(name.lower()) == name


@pytest.mark.parametrize("text", ["", "B13", "B00", "B8B", "B99", "crimson", "B1O", "SLC", "B٣"])
def test_what_is_no_band_is_named(text: str) -> None:
    with pytest.raises(InputError, match="no band") as caught:
        normal_band(text)
    assert repr(text) in caught.value.message
    assert "B8A" in (caught.value.hint or "")


def test_a_near_miss_gets_a_proposal() -> None:
    with pytest.raises(InputError) as caught:
        normal_band("SLC")
    assert (caught.value.hint or "").startswith("did you mean SCL?")


def test_band_ids() -> None:
    b8a = band_of_id(8)
    assert b8a is not None
    assert b8a.name == "B8A"
    assert band_of_id(13) is None


def test_the_seed_table_is_the_one_of_its_service() -> None:
    assert {res: len(bands) for res, bands in L2A_BANDS.items()} == {10: 4, 20: 9, 60: 11}
    assert "B01" not in L2A_BANDS[20]
    assert "B08" not in L2A_BANDS[20]


def test_b01_at_20_m_came_with_04_00() -> None:
    assert "B01" in usual_images(Level.L2A, Baseline(4, 0))[20]
    assert "B01" not in usual_images(Level.L2A, Baseline(3, 1))[20]
    assert "VIS" in usual_images(Level.L2A, Baseline(2, 6))[20]
    assert not any("B10" in names for names in usual_images(Level.L2A, Baseline(5, 9)).values())


def test_an_l1c_has_every_band_once_at_its_own_resolution() -> None:
    images = usual_images(Level.L1C, Baseline(5, 11))
    assert sorted(name for names in images.values() for name in names) == sorted([*BANDS, "TCI"])
    assert all(BANDS[name].resolution_m == res for res, names in images.items() for name in names if name in BANDS)


def _wavelengths(path: Path) -> dict[str, float]:
    root = ElementTree.parse(path).getroot()
    return {
        normal_band(node.attrib["physicalBand"]): float(node.find("Wavelength/CENTRAL").text)
        for node in root.iter("Spectral_Information")
        if node.find("Wavelength/CENTRAL") is not None
    }


@pytest.mark.parametrize(
    ("satellite", "folder"),
    [
        ("S2A", "manifests/creodias/S2A_MSIL2A_20221206T105431_N0509_R051_T31UFS_20221206T135452.SAFE"),
        ("S2B", "safe_metadata/S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE"),
    ],
)
def test_wavelengths_are_those_of_real_metadata(shared_data: Path, satellite: str, folder: str) -> None:
    real = _wavelengths(shared_data / folder / "MTD_MSIL2A.xml")
    assert real == {name: band.centre_nm.on(satellite) for name, band in BANDS.items()}


def test_usual_images_are_those_of_real_manifests(shared_data: Path) -> None:
    checked = 0
    for listing in sorted((shared_data / "safe_listings").glob("S2?_MSI*.tsv")):
        name = parse_product_name(listing.name.removesuffix(".tsv"))
        assert isinstance(name, ProductName)
        found: set[tuple[int, str]] = set()
        for line in listing.read_text().splitlines():
            match = re.search(r"/IMG_DATA/(?:R\d\dm/)?T\w{5}_\w{15}_(\w{3})(?:_(\d\d)m)?\.jp2$", line.split("\t")[0])
            if match:
                image = match[1]
                found.add((int(match[2]) if match[2] else (BANDS | LAYERS)[image].resolution_m, image))
        if ".tif" in listing.read_text():  # two listings are of copies as GeoTIFF
            assert not found
            continue
        usual = {(res, image) for res, images in usual_images(name.level, name.baseline).items() for image in images}
        assert found == usual, listing.name
        checked += 1
    assert checked >= 29


@pytest.mark.parametrize(
    ("text", "band"), [("red", "B04"), ("NIR", "B08"), ("nir08", "B8A"), ("swir22", "B12"), ("rededge071", "B05")]
)
def test_common_names_are_bands(text: str, band: str) -> None:
    assert normal_band(text) == band


def test_a_common_name_that_is_nearly_one_is_offered() -> None:
    with pytest.raises(InputError) as caught:
        normal_band("swir17")
    assert caught.value.hint
    assert caught.value.hint.startswith("did you mean swir16?")
