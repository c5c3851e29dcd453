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
