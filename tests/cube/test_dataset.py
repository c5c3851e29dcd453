"""Cubes and products as lazy Datasets."""

import pickle
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import dask
import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr

import s2kit
from s2kit.cube.backend import S2kitBackend
from s2kit.errors import NotFoundError
from s2kit.settings import Loaded, Settings
from support.scenes import built_scene

LOADED = Loaded(Settings(cache=False, jobs=1), {}, {})


@pytest.fixture(scope="module")
def four():
    return built_scene(dates=2, more_l2a=2)


def test_a_dataset_has_the_numbers_that_the_command_line_writes(four, tmp_path):
    options = {"bands": "B04,B11,SCL", "index": "ndvi", "mask_clouds": True, "aoi": str(four.aoi), "settings": LOADED}
    lazy = s2kit.cube(four.l2a, **options)
    assert lazy.B04.chunks is not None
    s2kit.write_cube(four.l2a, out=tmp_path / "a.zarr", **options)
    written = xr.open_zarr(tmp_path / "a.zarr", mask_and_scale=False)
    for name in ("B04", "B11", "SCL", "ndvi"):
        assert lazy[name].dtype == written[name].dtype
        assert np.array_equal(lazy[name].values, written[name].values, equal_nan=name == "ndvi"), name
    assert np.array_equal(lazy.time.values, written.time.values)
    assert np.array_equal(lazy.x.values, written.x.values)
    assert lazy.rio.crs.to_epsg() == 32631
    assert lazy.attrs["s2kit:products"][0].startswith("S2A_MSIL2A_20240419")


def test_blocks_are_laid_where_they_belong(four):
    """Of 1320 x 1320 pixels there are four blocks."""
    lazy = s2kit.cube(four.l2a[:2], bands="B04", settings=LOADED)
    assert lazy.B04.data.numblocks == (2, 2, 2)
    plan_values = s2kit.cube(four.l2a[:2], bands="B04", res=10, settings=LOADED).B04.values
    image = s2kit.open(four.l2a[0]).read("B04")
    part = lazy.B04.sel(x=slice(*image.bounds[::2]), y=slice(image.bounds[3], image.bounds[1]))[0].values
    expected = np.where(image.values == 0, 0, np.maximum(image.values.astype(int) - 1000, 1))
    assert np.array_equal(part, expected)
    assert np.array_equal(plan_values[0], lazy.B04[0].values)


def test_a_window_reads_only_its_blocks(four, monkeypatch):
    from s2kit.cube import dataset as module

    seen = []
    original = module._layers
    monkeypatch.setattr(module, "_layers", lambda task: seen.append(task.window) or original(task))
    lazy = s2kit.cube(four.l2a, bands="B04,B08", settings=LOADED)
    with dask.config.set(scheduler="synchronous"):
        dask.compute(lazy.B04[1, 10:20, 10:20], lazy.B08[1, 10:20, 10:20])
    assert len(seen) == 1, "one block, once for both layers"


def test_tasks_travel_to_other_processes(four):
    lazy = s2kit.cube(four.l2a[:1], bands="B04", aoi=str(four.aoi), settings=LOADED)
    here = lazy.B04.values
    again = pickle.loads(pickle.dumps(lazy))
    with dask.config.set(scheduler="processes", num_workers=1):
        assert np.array_equal(again.B04.values, here)


def test_what_a_search_found_is_a_cube(scene):
    found = s2kit.search(catalogue=str(scene.folder), settings=LOADED)
    lazy = s2kit.cube(found, bands="B04", res=60, settings=LOADED)
    assert lazy.sizes["time"] == 2


def test_xarray_opens_a_safe_by_its_engine(scene):
    with xr.open_dataset(scene.l2a[0], engine=S2kitBackend, resolution=20) as opened:
        assert {"B02", "B8A", "B12", "SCL", "AOT"} <= set(opened.data_vars)
        assert "TCI" not in opened
        image = s2kit.open(scene.l2a[0]).read("B8A", physical=True)
        part = opened.B8A.sel(x=slice(*image.bounds[::2]), y=slice(image.bounds[3], image.bounds[1]))
        assert np.allclose(part.values, image.values, atol=1e-7, equal_nan=True)
        assert opened.B8A.isel(x=5, y=slice(3, 9, 2)).shape == (3,)
        whole = opened.B8A.values
        for key in (
            np.s_[::-1, 4],
            np.s_[::7, ::5],
            np.s_[900:100:-7, 3:50:4],
            np.s_[5:5, ::2],
            np.s_[[1, 5, 9], [2, 4, 7]],
        ):
            ours = opened.B8A[key].values
            theirs = whole[np.ix_(*key)] if isinstance(key[0], list) else whole[key]
            assert np.array_equal(ours, theirs, equal_nan=True), key
        assert np.array_equal(opened.SCL[10:20, [3, 1]].values, opened.SCL.values[10:20][:, [3, 1]])
        assert opened.B8A.isel(x=slice(4, 4)).shape[1] == 0
        assert opened.time.values == np.datetime64("2024-04-19T10:50:31")
        assert opened.rio.crs.to_epsg() == 32631


def test_the_engine_reads_on_dask_too_and_takes_bands(scene):
    with xr.open_dataset(
        scene.l2a[0], engine=S2kitBackend, chunks={}, bands="B04,SCL", drop_variables="SCL", mask_and_scale=False
    ) as opened:
        assert list(opened.data_vars) == ["B04"]
        assert opened.B04.chunks == ((1024, opened.sizes["y"] - 1024), (1024, opened.sizes["x"] - 1024))
        assert opened.B04.dtype == np.uint16
        whole = opened.B04.values
    with xr.open_dataset(scene.l2a[0], engine=S2kitBackend, bands="B04", mask_and_scale=False) as eager:
        assert np.array_equal(eager.B04.values, whole)


def test_the_engine_is_guessed_by_the_name(scene):
    assert S2kitBackend().guess_can_open(str(scene.l2a[0]))
    assert S2kitBackend().guess_can_open("s3://bucket/X.SAFE/")
    assert not S2kitBackend().guess_can_open("a.nc")
    assert not S2kitBackend().guess_can_open(object())
    project = Path(__file__).parents[2] / "pyproject.toml"
    named = tomllib.loads(project.read_text())["project"]["entry-points"]["xarray.backends"]["s2kit"]
    assert EntryPoint("s2kit", named, "xarray.backends").load() is S2kitBackend


def test_a_product_as_a_dataset(scene):
    product = s2kit.open(scene.l2a[1])
    west, south, east, north = product.footprint.bounds
    box = ((west + east) / 2, (south + north) / 2, (west + east) / 2 + 0.01, (south + north) / 2 + 0.01)
    part = product.to_xarray("B04,SCL", bbox=box)
    assert set(part.data_vars) == {"B04", "SCL"}
    assert part.B04.dtype == np.float32
    assert 60 < part.sizes["x"] < 130
    with pytest.raises(NotFoundError, match="lacks B10"):
        product.to_xarray("B10")
