"""The metadata that are written are read back as they were meant, by the parsers for real products."""

import pytest

from s2kit.demo.metadata import product_metadata, tile_metadata
from s2kit.demo.scene_product import SceneProduct
from s2kit.demo.weather import Sun
from s2kit.product.granule import parse_granule_metadata
from s2kit.product.metadata import parse_product_metadata
from support.scenes import scene_product

RING = [(0.5, 44.0), (0.5, 44.2), (0.7, 44.2), (0.7, 44.0), (0.5, 44.0)]
SHARES = {0: 5.0, 4: 60.0, 5: 20.0, 8: 5.0, 9: 8.0, 10: 2.0}


@pytest.mark.parametrize(
    "product",
    [scene_product("L1C"), scene_product("L2A"), scene_product("L1C", "02.12"), scene_product("L2A", "02.12")],
)
def test_product_metadata(product: SceneProduct) -> None:
    read = parse_product_metadata(product_metadata(product, RING, 15.0, SHARES).encode())
    assert str(read.name) == product.name
    assert (read.quantification, set(read.offsets.values()) or {0.0}) == (10000.0, {float(product.offset)})
    assert (read.nodata, read.saturated, read.cloud_pct) == (0, 65535, 15.0)
    assert read.footprint is not None
    assert read.footprint.bounds == (0.5, 44.0, 0.7, 44.2)
    assert list(read.images) == [path for _, _, path in product.images()]
    assert read.granules == (product.tile_id,)


@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_tile_metadata(level: str) -> None:
    product = scene_product(level)
    masks = [("MSK_CLASSI", None, "GRANULE/x/QI_DATA/MSK_CLASSI_B00.jp2"), ("MSK_QUALIT", 3, "GRANULE/x/QI_DATA/q.jp2")]
    text = tile_metadata(product, Sun(35.5, 152.9), masks, 15.0, 5.0)
    read = parse_granule_metadata(text.encode())
    assert (read.granule_id, str(read.tile), read.epsg) == (product.tile_id, "31TCJ", 32631)
    assert {res: grid.width for res, grid in read.grids.items()} == {10: 1800, 20: 900, 60: 300}
    assert read.grids[10] == product.grid
    assert '<MASK_FILENAME bandId="3" type="MSK_QUALIT">' in text
    assert '<MASK_FILENAME type="MSK_CLASSI">' in text
