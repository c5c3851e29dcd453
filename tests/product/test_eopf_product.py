"""EOPF products in Zarr: the same product as the SAFE that they were made from, in every storage."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from s2kit.errors import InputError, NotFoundError
from s2kit.grid import Grid, Window
from s2kit.image.open import open_image
from s2kit.picture.clouds import CLOUDS, class_source, hidden
from s2kit.picture.read import OpenImages, read
from s2kit.product.eopf_document import layer_of, parse_consolidated
from s2kit.product.eopf_product import EopfProduct, is_eopf_folder
from s2kit.product.metadata import OffsetSource
from s2kit.product.open import open_product
from support.eopf import as_eopf, chunk_files
from support.scenes import built_scene

KINDS = {
    "v2": {"zarr_format": 2},
    "v2 without consolidated metadata": {"zarr_format": 2, "consolidated": False},
    "v2 of floats": {"zarr_format": 2, "floats": True},
    "v3": {"zarr_format": 3, "newer": True},
    "v3 without consolidated metadata": {"zarr_format": 3, "consolidated": False, "newer": True},
    "v3 sharded": {"zarr_format": 3, "shards": True, "newer": True, "chunk": 150},
    "v3 of floats": {"zarr_format": 3, "floats": True, "newer": True},
}


RED = frozenset({"B04"})


@pytest.fixture(scope="module")
def safes():
    small = built_scene(side=600, dates=1)
    return {"L2A": small.l2a[0], "L1C": small.l1c[0]}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_product_as_the_safe(safes, tmp_path, kind):
    safe = open_product(safes["L2A"])
    product = open_product(as_eopf(safes["L2A"], tmp_path, **KINDS[kind]))
    assert isinstance(product, EopfProduct)
    assert (product.id, product.name, product.tiles, product.sensing) == (safe.id, safe.name, safe.tiles, safe.sensing)
    one, other = product.metadata, safe.metadata
    for fact in ("level", "baseline", "satellite", "orbit", "cloud_pct", "quantification", "aot_quantification"):
        assert getattr(one, fact) == getattr(other, fact), fact
    assert product.offset_source == "metadata"
    ours = {(entry.band, entry.resolution_m) for entry in product.entries}
    assert ours == {(entry.band, entry.resolution_m) for entry in safe.entries if entry.band != "PVI"}
    for band, resolution in sorted(ours):
        mine, theirs = product.image(band, resolution), safe.image(band, resolution)
        assert (mine.grid, mine.offset, mine.quantification) == (theirs.grid, theirs.offset, theirs.quantification)
        assert mine.nodata == theirs.nodata
        mine_px, their_px = (read([image], [image.grid])[0][0] for image in (mine, theirs))
        assert mine_px.dtype == their_px.dtype, band
        np.testing.assert_array_equal(mine_px, their_px, err_msg=f"{band} at {resolution} m")


def test_a_name_of_the_format_definition_names_the_product_of_its_item(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, name="S02MSIL2A_20240419T105031_0000_A051_T323", only=RED)
    assert open_product(path).id == safes["L2A"].name.removesuffix(".SAFE")
    attributes = json.loads((path / ".zmetadata").read_bytes())
    item = attributes["metadata"][".zattrs"]["stac_discovery"]
    item["id"] = path.stem
    (path / ".zmetadata").write_text(json.dumps(attributes))
    with pytest.raises(InputError, match="neither its id nor its attributes say which tile"):
        open_product(path)
    item["properties"]["grid:code"] = "MGRS-31TCJ"
    (path / ".zmetadata").write_text(json.dumps(attributes))
    product = open_product(path)
    assert (product.id, product.name, str(product.tiles[0])) == (path.stem, None, "31TCJ")
    assert product.metadata.level == "L2A"
    assert product.metadata.satellite == "S2A"


def test_the_masks_of_l1c_are_the_same_clouds(safes, tmp_path):
    products = [open_product(safes["L1C"]), open_product(as_eopf(safes["L1C"], tmp_path, newer=True, only=RED))]
    assert products[1].metadata.level == "L1C"
    grid = products[0].image("B04").grid
    masks = []
    for product in products:
        source = class_source(product)
        assert source is not None
        with OpenImages() as images:
            masks.append(hidden(source, [grid], CLOUDS, images)[0])
    np.testing.assert_array_equal(masks[0], masks[1])


def test_only_touched_chunks_are_read(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, chunk=150, only=RED)
    image = open_product(path).image("B04", 10)
    assert len(chunk_files(path, image.path)) == 16
    with open_image(image.location) as opened:
        opened.window(Window(10, 10, 40, 40))
        assert opened.traffic.requests == 1
        opened.window(Window(145, 200, 10, 10))  # across the edge between two chunks
        assert opened.traffic.requests == 3
        assert opened.traffic.nbytes < 3 * 150 * 150 * 2


def test_of_a_shard_only_inner_chunks_and_the_index_are_read(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, chunk=150, zarr_format=3, shards=True, newer=True, only=RED)
    image = open_product(path).image("B04", 10)
    (shard, *_), whole = chunk_files(path, image.path), None
    whole = shard.stat().st_size
    assert image.location.chunk_nbytes == 150 * 150 * 2
    with open_image(image.location) as opened:
        opened.window(Window(10, 10, 40, 40))
        assert opened.traffic.nbytes < whole / 2


def test_a_window_beyond_the_edge_is_filled(safes, tmp_path):
    image = open_product(as_eopf(safes["L2A"], tmp_path, only=RED)).image("B04", 10)
    grid = Grid(image.grid.epsg, image.grid.west - 100, image.grid.north, 10.0, 20, 20)
    pixels = read([image], [grid])[0][0]
    assert not pixels[:, :, :10].any()
    assert pixels[:, :, 10:].all()


def test_a_chunk_that_is_missing_is_no_data_and_a_damaged_one_is_an_error(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, chunk=150, only=RED)
    image = open_product(path).image("B04", 10)
    (path / image.path / "0.0").unlink()
    (path / image.path / "0.1").write_bytes(b"damaged")
    with open_image(image.location) as opened:
        assert not opened.window(Window(0, 0, 150, 150)).any()
        with pytest.raises(InputError, match="measurements/reflectance/r10m/b04"):
            opened.window(Window(150, 0, 64, 64))


def test_integers_without_any_scale_are_those_of_their_baseline(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, only=RED)
    document = json.loads((path / ".zmetadata").read_bytes())
    for key, value in document["metadata"].items():
        if key.endswith(".zattrs"):
            value.pop("_eopf_attrs", None)
    (path / ".zmetadata").write_text(json.dumps(document))
    product = open_product(path)
    image = product.image("B04")
    assert (image.offset, image.quantification, product.offset_source) == (-1000.0, 10000.0, OffsetSource.BASELINE)


def test_what_is_no_product_is_said(safes, tmp_path):
    path = as_eopf(safes["L2A"], tmp_path, only=RED)
    document = json.loads((path / ".zmetadata").read_bytes())
    del document["metadata"][".zattrs"]["stac_discovery"]
    (path / ".zmetadata").write_text(json.dumps(document))
    assert is_eopf_folder(path)
    (path / ".zattrs").write_text("{}")
    assert not is_eopf_folder(path)
    with pytest.raises(InputError, match="without stac_discovery is no EOPF product"):
        open_product(path)
    (path / ".zmetadata").write_text("[")
    with pytest.raises(InputError, match="is not JSON"):
        open_product(path)
    shutil.rmtree(path)
    path.mkdir()
    with pytest.raises(NotFoundError, match="there is no Zarr group"):
        open_product(path)


def test_arrays_are_known_by_their_paths():
    assert layer_of("measurements/reflectance/r10m/b04") == ("B04", 10)
    assert layer_of("measurements/reflectance/r20m/b8a") == ("B8A", 20)
    assert layer_of("conditions/mask/l2a_classification/r60m/scl") == ("SCL", 60)
    assert layer_of("quality/atmosphere/r20m/aot") == ("AOT", 20)
    assert layer_of("quality/l1c_quicklook/r10m/tci") == ("TCI", 10)
    for other in ("measurements/reflectance/r10m/x", "quality/mask/r10m/b04", "measurements/reflectance/r120m/b04"):
        assert layer_of(other) is None


def test_metadata_of_a_later_processor_is_read():
    """Root attributes as ESA's processor 2.6.0 writes them: no `proj:` anywhere, scales flat in the arrays."""
    array = {"shape": [10980, 10980], "dtype": "<u2", "chunks": [1830, 1830], "zarr_format": 2}
    document = {
        "metadata": {
            ".zattrs": {
                "other_metadata": {"horizontal_CRS_code": "EPSG:32632"},
                "stac_discovery": {"stac_discovery": {"id": "S2A", "properties": {"sat:relative_orbit": "122"}}},
            },
            ".zgroup": {"zarr_format": 2},
            "measurements/reflectance/r10m/b02/.zarray": array,
            "measurements/reflectance/r10m/b02/.zattrs": {"scale_factor": 0.0001, "add_offset": -0.1},
        }
    }
    found = parse_consolidated(json.dumps(document).encode(), 2, "x.zarr")
    assert found is not None
    path = "measurements/reflectance/r10m/b02"
    assert (found.epsg(path), found.arrays[path].scale) == (32632, (0.0001, -0.1))
    assert found.arrays[path].chunk_nbytes == 1830 * 1830 * 2
    assert found.properties["sat:relative_orbit"] == "122"


@pytest.mark.parametrize(
    ("name", "grid", "bands", "flags", "chunk_nbytes"),
    [
        (
            "S2C_MSIL2A_20250811T112131_N0511_R037_T29TPF_20250811T152216",
            (32629, 600000.0, 4600020.0),
            {"B04": -1000.0, "B8A": -1000.0, "SCL": 0.0, "AOT": 0.0, "WVP": 0.0, "TCI": 0.0},
            None,
            2 * 5490**2,
        ),
        (
            "S2B_MSIL1C_20250113T103309_N0511_R108_T32TLQ_20250113T122458",
            (32632, 300000.0, 5000040.0),
            {"B04": -1000.0, "B8A": -1000.0, "TCI": 0.0},
            "conditions/mask/l1c_classification/r60m/b00",
            2 * 1830**2,
        ),
    ],
)
def test_metadata_of_real_products_is_understood(tmp_path, name, grid, bands, flags, chunk_nbytes):
    """ESA's own samples, see tests/data/eopf/README.md."""
    raw = (Path(__file__).parents[1] / "data" / "eopf" / f"{name}.zmetadata").read_bytes()
    place = tmp_path / f"{name}.zarr"
    place.mkdir()
    (place / ".zmetadata").write_bytes(raw)
    (place / ".zattrs").write_text(json.dumps(json.loads(raw)["metadata"][".zattrs"]))
    product = open_product(place)
    assert isinstance(product, EopfProduct)
    assert (product.id, str(product.metadata.baseline), product.offset_source) == (name, "05.11", "metadata")
    assert (product.metadata.satellite, str(product.metadata.level)) == (name[:3], name[7:10])
    assert product.metadata.orbit_direction == "DESCENDING"
    assert product.metadata.footprint is not None
    images = {image.band: image for image in product.images()}
    assert {band: image.offset for band, image in images.items()} == bands
    assert {images[band].quantification for band in ("B04", "B8A")} == {10000.0}
    for image in images.values():
        assert (image.grid.epsg, image.grid.west, image.grid.north) == grid
        assert image.grid.width * image.grid.resolution_m == 109800
    classes = product.class_flags()
    assert (classes.image.path if classes else None) == flags
    assert product.location(product.entry("B04")).chunk_nbytes == chunk_nbytes
