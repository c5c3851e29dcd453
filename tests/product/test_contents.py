from pathlib import Path

import pytest

from s2kit.product.contents import find_granules, find_images, summary
from s2kit.product.name import Level, TileId
from support.tiny_safe import EARLY_NAME, L1C_NAME, L2A_NAME, safe_files

GR = "GRANULE/L2A_T31TDH_A000123_20250301T143000"


def _sizes(files: dict[str, bytes]) -> dict[str, int]:
    return {path: len(data) for path, data in files.items()}


def test_images_of_an_l2a_by_name_and_folder() -> None:
    (granule,) = find_granules(_sizes(safe_files(L2A_NAME)), Level.L2A)
    assert granule.tile == TileId.parse("31TDH")
    assert granule.metadata_path == f"{GR}/MTD_TL.xml"
    assert {(entry.band, entry.resolution_m) for entry in granule.images} == {
        ("B02", 10), ("B04", 10), ("B04", 20), ("B8A", 20), ("SCL", 20), ("B01", 60), ("AOT", 60), ("TCI", 60), ("PVI", 320),
    }  # fmt: skip
    assert dict(summary(granule.images)) == {
        10: ("B02", "B04"),
        20: ("B04", "B8A", "SCL"),
        60: ("B01", "AOT", "TCI"),
        320: ("PVI",),
    }


def test_images_of_an_l1c_have_the_instruments_resolution() -> None:
    (granule,) = find_granules(_sizes(safe_files(L1C_NAME, ["B01", "B02", "B05", "B10", "TCI"])), Level.L1C)
    assert {(entry.band, entry.resolution_m) for entry in granule.images} == {
        ("B01", 60), ("B02", 10), ("B05", 20), ("B10", 60), ("TCI", 10),
    }  # fmt: skip


def test_early_l2a_has_a_prefix_and_keeps_the_preview_of_its_l1c() -> None:
    files = _sizes(safe_files(EARLY_NAME, ["B02_10m", "SCL_20m", "PVI"]))
    own = next(path for path in files if path.endswith("PVI.jp2"))
    other = own.replace("QI_DATA/L2A_T", "QI_DATA/T")
    assert own != other
    (granule,) = find_granules(files | {other: 9}, Level.L2A)
    assert [entry.path for entry in granule.images if entry.band == "PVI"] == [own]
    assert len(granule.images) == 3


@pytest.mark.parametrize(
    "path",
    [
        f"{GR}/QI_DATA/MSK_CLDPRB_20m.jp2",
        f"{GR}/QI_DATA/T31TDH_20250301T105021_B04_10m.jp2",
        f"{GR}/IMG_DATA/T31TDH_20250301T105021_PVI.jp2",
        f"{GR}/IMG_DATA/R10m/T31TDH_20250301T105021_DEM_10m.jp2",
        f"{GR}/IMG_DATA/R10m/deeper/T31TDH_20250301T105021_B04_10m.jp2",
        "T31TDH_20250301T105021_B04_10m.jp2",
    ],
)
def test_masks_elevation_and_strays_are_no_images(path: str) -> None:
    assert find_images({path: 10}, Level.L2A) == ()


def test_of_two_files_the_better_is_taken() -> None:
    stem = f"{GR}/IMG_DATA/R10m/T31TDH_20250301T105021_B04_10m"
    assert [e.path for e in find_images({f"{stem}.tif": 5, f"{stem}.jp2": 5}, Level.L2A)] == [f"{stem}.jp2"]
    assert [e.path for e in find_images({f"{stem}.tif": 5, f"{stem}.jp2": 0}, Level.L2A)] == [f"{stem}.tif"]


def test_a_resolution_may_stand_in_the_folder_only() -> None:
    (entry,) = find_images({f"{GR}/IMG_DATA/R60m/T31TDH_20250301T105021_B04.jp2": 5}, Level.L2A)
    assert entry.resolution_m == 60


def test_a_granule_with_a_strange_name_is_one_if_its_files_say_so() -> None:
    image = "GRANULE/renamed/IMG_DATA/R10m/T31TDH_20250301T105021_B04_10m.jp2"
    by_image, by_metadata = find_granules(
        {image: 5, "GRANULE/zz/MTD_TL.xml": 1, "GRANULE/junk/x.txt": 1, "GRANULE/file": 1}, Level.L2A
    )
    assert (by_image.folder, by_image.tile) == ("renamed", TileId.parse("31TDH"))
    assert (by_metadata.folder, by_metadata.tile) == ("zz", None)


def test_an_old_user_product_is_read_by_its_own_metadata() -> None:
    folder = "GRANULE/S2A_USER_MSI_L2A_TL_MPS__20160714T184720_A005554_T32TQR_N02.04"
    own, other = (
        f"{folder}/S2A_{who}_MTD_{level}_TL_MPS__20160714T184720_A005554_T32TQR.xml"
        for who, level in (("USER", "L2A"), ("OPER", "L1C"))
    )
    sizes = {own: 1, other: 1, f"{folder}/QI_DATA/{Path(own).name}": 1}
    (granule,) = find_granules(sizes, Level.L2A)
    assert granule.metadata_path == own
    (granule,) = find_granules({other: 1}, Level.L2A)
    assert granule.metadata_path == other
