"""Real SAFE folders for tests, made by s2kit's own scene generator.

The fixture `scene` (in `conftest.py`) is the usual way; it is built once and shared, so it is READ ONLY:

    def test_x(scene):            # 1320 x 1320 px at 10 m: at all three resolutions an image has several JPEG 2000 tiles
        scene.l2a[0]              # SAFE folder, 2024-04-19, L2A, baseline 05.10 (offset -1000), no clouds, all inside the swath
        scene.l2a[1]              # SAFE folder, 2024-06-15, clouds with shadows, no data in the north-west (edge of the swath)
        scene.l1c[0], scene.l1c[1]
        scene.products            # all four, by date
        scene.parcels, scene.aoi  # GeoJSON files: fields with pid, cropname, cropcode; a hexagon in the middle
        scene.folder              # holds all of them: a dataset folder

All products lie in tile 31TCJ, EPSG:32631, upper left corner (300000, 4900020).

Other scenes, built once a machine and kept in the temporary folder until the generator's source changes:

    from support.scenes import built_scene, copied
    old = built_scene(side=600, dates=1, baseline="02.12")        # no offset, MD5 manifest, masks as GML
    old = built_scene(side=600, dates=1, baseline="03.01")        # no offset, SHA3-256 manifest, masks as GML
    tlm = built_scene(side=1320, dates=1, levels=("L2A",), tlm=True)
    product = copied(scene.l2a[0], tmp_path)                      # a copy that a test may damage
"""

import hashlib
import inspect
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

import s2kit
from s2kit.demo.scene_product import SceneProduct
from s2kit.demo.series import Scene, make_scene
from s2kit.grid import Grid

SIDE = 1320
_SOURCES = ("demo/*.py",)


def built_scene(side: int = SIDE, **options: Any) -> Scene:
    """A scene made with `make_scene(side=…, **options)`, from the cache where it is there. Read only."""
    usual = {name: parameter.default for name, parameter in inspect.signature(make_scene).parameters.items()}
    options = {name: value for name, value in options.items() if value != usual[name]}
    digest = hashlib.sha256(repr((side, sorted(options.items()))).encode())
    digest.update(f"{np.__version__} {rasterio.__version__} {rasterio.__gdal_version__}".encode())
    root = Path(s2kit.__file__).parent
    for pattern in _SOURCES:
        for source in sorted(root.glob(pattern)):
            digest.update(source.read_bytes())
    cache = Path(tempfile.gettempdir()) / f"s2kit-test-scenes-{os.getuid()}"
    place = cache / digest.hexdigest()[:16]
    if not place.is_dir():
        cache.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache, prefix="new-"))
        make_scene(fresh, side=side, jobs=2, **options)
        try:
            fresh.rename(place)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    return make_scene(place, side=side, **options)


def scene_product(level: str = "L2A", baseline: str = "05.10") -> SceneProduct:
    """Names, dates and paths of a product, without its pixels."""
    return SceneProduct(
        level=level,
        baseline=baseline,
        sensing=datetime(2024, 4, 19, 10, 50, 31, tzinfo=UTC),
        orbit=46094,
        relative_orbit=51,
        tile="31TCJ",
        grid=Grid(32631, 300000.0, 4900020.0, 10.0, 1800, 1800),
    )


def copied(product: Path, folder: Path) -> Path:
    """A copy of a SAFE folder that a test may change."""
    return Path(shutil.copytree(product, folder / product.name))


def moved_scene(scene: Scene, folder: Path) -> Scene:
    """A copy of a whole scene that a test may change."""
    shutil.copytree(scene.folder, folder, dirs_exist_ok=True)

    def there(paths: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(folder / path.name for path in paths)

    return replace(
        scene,
        folder=folder,
        l1c=there(scene.l1c),
        l2a=there(scene.l2a),
        parcels=folder / scene.parcels.name,
        aoi=folder / scene.aoi.name,
    )
