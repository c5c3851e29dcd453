"""Names and dates of invented products follow ESA's grammar."""

from datetime import UTC, datetime, timedelta

import pytest

from s2kit.product.name import parse_product_name
from support.scenes import scene_product


@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_the_name_is_a_product_name(level: str) -> None:
    product = scene_product(level)
    assert str(parse_product_name(product.name)) == product.name
    assert product.metadata_name == f"MTD_MSI{level}.xml"


@pytest.mark.parametrize(
    ("baseline", "offset", "checksum", "at_20m"),
    [("05.10", -1000, "SHA3-256", 14), ("03.01", 0, "SHA3-256", 13), ("02.12", 0, "MD5", 13)],
)
def test_what_a_baseline_changes(baseline: str, offset: int, checksum: str, at_20m: int) -> None:
    product = scene_product(baseline=baseline)
    assert (product.offset, product.checksum_name) == (offset, checksum)
    assert sum(res == 20 for _, res, _ in product.images()) == at_20m


def test_orbits_belong_together() -> None:
    # S2A was on relative orbit 51 with absolute orbit 13204 on 2018-01-01; it makes 143 orbits in 10 days
    from s2kit.demo.series import VISITS

    start = datetime(2018, 1, 1, 10, 54, 41, tzinfo=UTC)
    for visit in VISITS:
        days = (visit.sensing - start) / timedelta(days=1)
        assert visit.orbit == 13204 + round(days * 14.3)
        assert visit.relative_orbit == (50 + visit.orbit - 13204) % 143 + 1


def test_ids_and_folders() -> None:
    product = scene_product()
    assert product.granule == "L2A_T31TCJ_A046094_20240419T105030"
    assert product.datastrip == "DS_2APS_20240419T160739_S20240419T105030"
    assert product.tile_id == "S2A_OPER_MSI_L2A_TL_2APS_20240419T160739_A046094_T31TCJ_N05.10"
    assert product.datastrip_id == "S2A_OPER_MSI_L2A_DS_2APS_20240419T160739_S20240419T105030_N05.10"
    assert product.datatake_id == "GS2A_20240419T105031_046094_N05.10"
