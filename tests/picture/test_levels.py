"""Reductions that are kept whole give what is read without them."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from s2kit.grid import Grid
from s2kit.image.open import Image
from s2kit.picture.levels import KeptLevels
from s2kit.picture.read import Reading, read
from s2kit.product.open import open_product


def test_the_same_pixels_as_without(scene: Any) -> None:
    kept = Reading(levels=KeptLevels())
    product = open_product(scene.l2a[1])
    for band, resolution_m in (("B04", 10), ("B11", 20), ("SCL", 20), ("TCI", 10)):
        image = product.image(band, resolution_m)
        whole = image.grid
        grids = [
            Grid(whole.epsg, whole.west + east, whole.north - south, side, 90, 70)
            for side in (12.5, 40.0, 85.0)
            for east, south in ((0, 0), (3333, 5001), (-700, 12_000))
        ] + [Grid(3857, 61_000.0, 5_495_000.0, 60.0, 64, 64)]
        for _ in range(2):
            found = read([image], grids, use="picture", reading=kept)[0]
            for one, other in zip(found, read([image], grids, use="picture")[0], strict=True):
                assert np.array_equal(one, other)


def test_a_level_is_decoded_once_until_the_file_changes(scene: Any, tmp_path: Path, monkeypatch: Any) -> None:
    decoded = []
    level = Image.level
    monkeypatch.setattr(Image, "level", lambda self, *a: decoded.append(1) or level(self, *a))
    product = tmp_path / scene.l2a[0].name
    shutil.copytree(scene.l2a[0], product)
    image = open_product(product).image("B04", 10)
    kept = Reading(levels=KeptLevels())
    grid = Grid(image.grid.epsg, image.grid.west, image.grid.north, 80.0, 40, 40)
    first = read([image], [grid], use="picture", reading=kept)[0][0]
    read([image], [grid], use="picture", reading=kept)
    assert len(decoded) == 1
    other = open_product(scene.l2a[1]).image("B04", 10)
    shutil.copyfile(other.location.path, image.location.path)
    os.utime(image.location.path, ns=(1, 1))
    assert not np.array_equal(read([image], [grid], use="picture", reading=kept)[0][0], first)
    small = Reading(levels=KeptLevels(most_nbytes=1))
    decoded.clear()
    for _ in range(2):
        read([image], [grid], use="picture", reading=small)
    assert len(decoded) == 2  # too large to be kept
