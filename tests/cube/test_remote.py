"""Cubes straight from a bucket."""

from dataclasses import replace

import numpy as np
import xarray as xr

from s2kit.cube import CubeOutput, CubeRequest, make_block, make_cube, plan_cube
from s2kit.cube.estimate import estimate
from s2kit.settings import Loaded, Settings
from support.scenes import built_scene


def test_a_cube_from_a_bucket_is_that_of_the_files(s3_server, tmp_path):
    """Two dates as SAFE folders in a bucket: the same pixels, and only a part of the bytes."""
    scene, bucket = built_scene(), s3_server.bucket(public=True)
    for product in scene.l2a:
        for path in product.rglob("*"):
            if path.is_file():
                bucket.put(f"{product.name}/{path.relative_to(product)}", path.read_bytes())
    archive = bucket.archive(anonymous=True)
    local = Loaded(Settings(cache_dir=tmp_path / "cache", jobs=2), {}, {})
    remote = replace(local, settings=replace(local.settings, archives={archive.name: archive}))
    options = {"bands": "B04,B8A,SCL", "mask_clouds": True, "aoi": str(scene.aoi)}
    addresses = [f"s3://{bucket.name}/{product.name}" for product in scene.l2a]
    here = plan_cube(CubeRequest.parse(local, products=scene.l2a, **options))
    there = plan_cube(CubeRequest.parse(remote, products=addresses, **options))
    assert there.grid == here.grid
    for at in range(2):
        one, other = (make_block(plan.task_of(at, plan.grid.window)).layers for plan in (here, there))
        for name in ("B04", "B8A", "SCL"):
            assert np.array_equal(one[name], other[name]), name
    make_cube(there, CubeOutput(path=tmp_path / "a.zarr", jobs=2))
    written = xr.open_zarr(tmp_path / "a.zarr", mask_and_scale=False)
    assert np.array_equal(written.B04[1].values, make_block(here.task_of(1, here.grid.window)).layers["B04"])
    assert "in 0 requests" in estimate(here)
    assert "in 0 requests" not in estimate(there)
