"""The folder that `s2kit demo` makes, as a place for examples: made once a machine, laid out anew for each page."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import rasterio

import s2kit
from s2kit.demo.run import prepare

SIDE = 600


def demo_world() -> Path:
    """The demonstration's world before anything was downloaded; from the cache if it is there. Read only."""
    digest = hashlib.sha256(f"{SIDE} {np.__version__} {rasterio.__version__}".encode())
    for source in sorted(Path(s2kit.__file__).parent.glob("demo/*.py")):
        digest.update(source.read_bytes())
    cache = Path(tempfile.gettempdir()) / f"s2kit-test-scenes-{os.getuid()}"
    place = cache / f"world-{digest.hexdigest()[:16]}"
    if not place.is_dir():
        cache.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache, prefix="new-"))
        prepare(fresh, side=SIDE, jobs=1)
        try:
            fresh.rename(place)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    return place


def lay_out(folder: Path) -> Path:
    """The world in a folder of its own, as it is after the demo's download; image files are links."""
    world = demo_world()
    for name in ("bucket", "scene"):
        shutil.copytree(world / name, folder / name, copy_function=os.link)
    for product in sorted(world.glob("scene/*L2A*.SAFE")):
        shutil.copytree(product, folder / "dataset" / product.name, copy_function=os.link)
    for path in world.iterdir():
        if path.is_file() and not path.name.startswith(".s2kit"):
            shutil.copy(path, folder / path.name)
    return folder
