"""Options of a download made into its request."""

from pathlib import Path

import pytest

from s2kit.download import DownloadRequest
from s2kit.download.request import DATASET, Arrangement
from s2kit.errors import UsageError
from s2kit.settings import Loaded, Settings

LOADED = Loaded(Settings(dataset=Path("data"), destination="elsewhere", max_bytes="3GB"), {}, {})


def test_settings_and_options_over_them() -> None:
    usual = DownloadRequest.parse(LOADED)
    assert (usual.out, usual.max_bytes, usual.archive, usual.products_at_once) == ("elsewhere", 3 * 10**9, "auto", 2)
    assert DATASET in usual.archives, "the dataset folder is asked first if products go elsewhere"
    asked = DownloadRequest.parse(
        LOADED, out=Path("data"), archive="gcp", bands="b4,SCL@20", include="*.xml", max_bytes="1MB", jobs=5, zip=True
    )
    assert (asked.out, asked.archive, asked.max_bytes, asked.products_at_once) == ("data", "gcp", 10**6, 5)
    assert (asked.subset.bands, asked.subset.include, asked.as_zip) == (("B04", "SCL@20"), ("*.xml",), True)
    assert DATASET not in asked.archives


def test_layouts() -> None:
    assert DownloadRequest.parse(LOADED, layout="SEED").arrangement is Arrangement.SEED
    with pytest.raises(UsageError, match="--layout 'deep'"):
        DownloadRequest.parse(LOADED, layout="deep")
