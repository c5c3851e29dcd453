"""What is published: an sdist that holds all of the project, and the light wheel that is built from it."""

import io
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import s2kit

PROJECT = Path(__file__).resolve().parents[2]
LIGHT = {
    "boto3", "defusedxml", "geojson", "isal", "joblib", "numpy", "orjson", "platformdirs", "pydantic", "pystac-client",
    "python-dotenv", "rasterio", "requests", "rich", "sentinelsat", "shapely", "simplejpeg", "stamina", "typer",
}  # fmt: skip
"""All that `pip install s2kit` asks for. What only some users need belongs to an extra."""
PROMISED = (
    "LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "constraints.txt", "settings.example.toml", ".env-example",
    "zensical.toml", "docs/index.md", "docs/cli/index.md", "tests/conftest.py", "tests/test_docs.py", "Dockerfile", "recipe/recipe.yaml",
)  # fmt: skip


def build(target: str, source: Path, folder: Path) -> Path:
    """Build one distribution, with no network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    (made,) = folder.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of the working tree, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", PROJECT, folder)) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"s2kit-{s2kit.__version__}"


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the unpacked sdist."""
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel"))


def names_of(sdist: Path) -> set[str]:
    return {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}


def tracked() -> set[str]:
    """The project's files: those that git has, or those of the unpacked sdist that the tests run in."""
    if (PROJECT / ".git").exists():
        said = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True)
        return {name for name in said.stdout.split("\0") if name and (PROJECT / name).is_file()}
    return {name for name in names_of(PROJECT) if not is_cache(name)} - {"PKG-INFO"}


def is_cache(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.endswith((".egg-info", "_cache")) or part in {"__pycache__", ".venv", "dist"} for part in parts)


def test_the_sdist_holds_the_project(sdist: Path) -> None:
    held = names_of(sdist)
    assert set(PROMISED) <= held
    assert not tracked() - held, "name them in pyproject.toml, [tool.hatch.build.targets.sdist]"


def test_the_sdist_holds_nothing_that_is_made_on_a_machine(sdist: Path) -> None:
    held = names_of(sdist)
    assert not {name for name in held if is_cache(name) or name.endswith((".pyc", ".so", ".coverage"))}
    assert not held & {"settings.toml", ".env", "uv.lock"}
    assert sum((sdist / name).stat().st_size for name in held) < 15e6


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path, sdist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    info = f"s2kit-{s2kit.__version__}.dist-info"
    package = {name for name in held if name.startswith("s2kit/")}
    assert {name.partition("/")[0] for name in held} == {"s2kit", info}
    assert package == {name.removeprefix("src/") for name in names_of(sdist) if name.startswith("src/s2kit/")}
    assert {"s2kit/py.typed", f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= held
    assert wheel.stat().st_size < 3e6


def metadata(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"s2kit-{s2kit.__version__}.dist-info/METADATA")
    message = BytesParser().parse(io.BytesIO(text))
    assert message["Version"] == s2kit.__version__
    assert message["License-Expression"] == "Apache-2.0"
    return [Requirement(line) for line in message.get_all("Requires-Dist") or ()]


def test_a_plain_install_is_light(wheel: Path) -> None:
    plain = [need for need in metadata(wheel) if need.marker is None or need.marker.evaluate({"extra": ""})]
    assert {canonicalize_name(need.name) for need in plain} == LIGHT
    for need in plain:
        assert [one.operator for one in need.specifier] == [">="], f"{need}: a tested lower bound, and no upper one"


def test_the_same_sources_make_the_same_bytes(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    assert build("wheel", sdist, tmp_path).read_bytes() == wheel.read_bytes()
