import pytest

from s2kit.product.stac_name import product_name_in
from support.tiny_safe import L2A_NAME


@pytest.mark.parametrize(
    "key",
    ["s2:product_uri", "s2:product_title", "sentinel2:product_title", "sentinel:product_id", "title", "identifier"],
)
def test_the_name_is_found_where_catalogues_write_it(key: str) -> None:
    assert product_name_in({"platform": "sentinel-2a", key: f"{L2A_NAME}.SAFE"}) == L2A_NAME


@pytest.mark.parametrize("text", ["Sentinel-2 L2A", "", None, 7, ["x"]])
def test_a_title_for_people_is_no_name(text: object) -> None:
    assert product_name_in({"title": text, "sentinel:product_id": None}) is None
