import pytest

from s2kit.errors import UsageError
from s2kit.product.subset import Subset

GRANULE = "GRANULE/L2A_T31UFS_A1_20210402T104429"
IMAGES = f"{GRANULE}/IMG_DATA"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("manifest.safe", True),
        ("MTD_MSIL2A.xml", True),
        (f"{GRANULE}/MTD_TL.xml", True),
        (f"{IMAGES}/R10m/T31UFS_20210402T104021_B04_10m.jp2", True),
        (f"{IMAGES}/R20m/T31UFS_20210402T104021_B04_20m.jp2", True),
        (f"{IMAGES}/R20m/T31UFS_20210402T104021_SCL_20m.jp2", True),
        (f"{IMAGES}/R60m/T31UFS_20210402T104021_SCL_60m.jp2", False),
        (f"{IMAGES}/T31UFS_20210402T104021_B04.jp2", True),
        (f"{IMAGES}/T31UFS_20210402T104021_B05.jp2", False),
        (f"{IMAGES}/S2A_OPER_MSI_L1C_TL_SGS__20160905T073438_A006291_T53HLA_B05.jp2", False),
        (f"{GRANULE}/QI_DATA/MSK_DETFOO_B04.jp2", True),
        (f"{GRANULE}/QI_DATA/MSK_DETFOO_B05.gml", False),
        (f"{GRANULE}/QI_DATA/MSK_CLASSI_B00.jp2", True),
        (f"{GRANULE}/QI_DATA/MSK_CLDPRB_20m.jp2", True),
    ],
)
def test_bands_bring_their_images_and_masks_and_all_metadata(path, wanted):
    assert Subset.parse(["b4,scl@20"]).wants(path) is wanted


def test_globs_are_held_against_path_and_file_name():
    subset = Subset.parse(include=["*.xml", "GRANULE/*"], exclude=["MTD_DS.xml"])
    assert subset.wants("MTD_MSIL2A.xml")
    assert subset.wants(f"{GRANULE}/AUX_DATA/AUX_ECMWFT")
    assert not subset.wants("DATASTRIP/DS_1/MTD_DS.xml")
    assert not subset.wants("HTML/UserProduct_index.xsl")
    assert subset.wants("manifest.safe")


def test_a_subset_is_read_back_from_a_record():
    subset = Subset.parse(["b8a"], ["*.xml"], ["HTML/*"])
    assert Subset.from_record(subset.to_record()) == subset
    assert not subset.is_all
    assert Subset.from_record({}).is_all


@pytest.mark.parametrize("word", ["B13", "xyz", "B04@15", "B04@"])
def test_odd_bands_are_usage_errors(word):
    with pytest.raises(UsageError):
        Subset.parse([word])
