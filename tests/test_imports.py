"""What loads what: a light command line, and layers that point one way."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
FACES = ("chips", "cube", "download", "pixels", "render", "search", "stats")
"""Folders of verbs, whose `__init__` offers names."""
HEAVY = {
    "boto3", "botocore", "isal", "joblib", "matplotlib", "numpy", "pydantic", "pyogrio", "pystac_client", "rasterio",
    "requests", "rich", "sentinelsat", "shapely", "simplejpeg",
}  # fmt: skip


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import s2kit.cli.app, sys; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize(
    "module", sorted(".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in SOURCE.rglob("[a-z]*.py"))
)
def test_no_module_stands_alone_in_name_only(module: str) -> None:
    text = (SOURCE / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    assert text.startswith('"""'), f"{module} does not say what it is"


@pytest.mark.parametrize("folder", FACES)
def test_a_face_loads_no_module_before_a_name_is_asked_for(folder: str) -> None:
    code = f"import s2kit.{folder}, sys; print(*(name for name in sys.modules if name.startswith('s2kit.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(loaded.split()) == {"s2kit.version", f"s2kit.{folder}", "s2kit.run", "s2kit.run.faces"}


@pytest.mark.parametrize("folder", FACES)
def test_a_face_gives_its_names_whatever_was_loaded_before(folder: str) -> None:
    """A module takes the place of a function with its name in the folder's face."""
    face = import_module(f"s2kit.{folder}")
    names = [getattr(face, name) for name in face.__all__]
    assert not [name for name in face.__all__ if (SOURCE / "s2kit" / folder / f"{name}.py").exists()]
    assert all(name.__module__.startswith("s2kit.") for name in names)
    with pytest.raises(AttributeError, match=f"module 's2kit.{folder}' has no attribute 'nonsense'"):
        face.nonsense  # noqa: B018


KINDS = {"s2kit.product.cog_product", "s2kit.product.eopf_product", "s2kit.product.landsat_product"}
"""Kinds of products besides the SAFE."""
WEB = {"boto3", "botocore", "http.client", "requests", "urllib.request"}
NOT_LOADED = {
    "s2kit.chips.cut": WEB | KINDS | {"joblib", "pydantic", "s2kit.search", "s2kit.chips.run", "s2kit.catalogue"},
    "s2kit.cube.run": WEB | KINDS | {"xarray", "zarr", "netCDF4", "s2kit.search", "s2kit.chips.run", "s2kit.catalogue"},
    "s2kit.download.verify": WEB | {"numpy", "shapely", "rasterio", "s2kit.picture", "s2kit.area"},
    "s2kit.pixels.run": WEB | KINDS | {"s2kit.chips", "s2kit.cube", "s2kit.render", "s2kit.picture.write"},
    "s2kit.render.paint": WEB | KINDS | {"s2kit.render.plan", "s2kit.archive", "s2kit.catalogue", "s2kit.settings"},
    "s2kit.stats.task": WEB | KINDS | {"joblib", "s2kit.stats.run", "s2kit.search", "s2kit.chips", "s2kit.picture.write"},
}  # fmt: skip
"""By the modules whose functions workers run: what must not be loaded with them, since each worker pays for it."""


@pytest.mark.parametrize("module", NOT_LOADED)
def test_a_worker_loads_what_its_task_needs(module: str) -> None:
    unwanted = loaded_by(f"import {module}") & NOT_LOADED[module]
    assert not unwanted


RUNS = {
    "info NAME.SAFE": WEB | KINDS | {"pydantic", "rasterio", "s2kit.image", "s2kit.picture", "s2kit.cli.render"},
    "verify NAME.SAFE": WEB | KINDS | {"pydantic", "numpy", "shapely", "s2kit.archive", "s2kit.product.base"},
    "search --catalogue local --bbox 0 0 1 1": WEB | {"pydantic", "rasterio", "s2kit.image", "s2kit.picture", "s2kit.chips"},
    "render NAME.SAFE --bands B04 --dry-run": WEB | KINDS | {"pydantic", "joblib", "s2kit.chips.run", "s2kit.cube.plan"},
    "bands": WEB | {"pydantic", "numpy", "rich", "s2kit.cli.chips", "s2kit.cli.search", "s2kit.product.base"},
}  # fmt: skip
"""Command lines, and what must not be loaded by them."""


@pytest.mark.parametrize("words", RUNS)
def test_a_verb_loads_what_it_needs(words: str, tmp_path: Path) -> None:
    (tmp_path / "NAME.SAFE").mkdir()
    code = f"from s2kit.cli.app import app\ntry: app({words.split()})\nexcept SystemExit: pass"
    unwanted = loaded_by(code, tmp_path) & RUNS[words]
    assert not unwanted


def loaded_by(code: str, folder: Path | None = None) -> set[str]:
    """The modules, and the packages that they are in, that some code loads."""
    last = "import sys\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{last}"], capture_output=True, text=True, cwd=folder, check=True
    )
    return set(done.stderr.splitlines()[-1].split())
