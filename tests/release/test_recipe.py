"""The conda recipe asks for what the wheel asks for, under the names of conda-forge."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import s2kit

PROJECT = Path(__file__).resolve().parents[2]
RECIPE: dict[str, Any] = yaml.safe_load((PROJECT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
PYPROJECT: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
OF_CONDA = {"isal": "python-isal"}
"""Names that differ there: `isal` is the C library."""


def as_conda(requirements: list[str]) -> set[str]:
    needs = [Requirement(text) for text in requirements]
    return {f"{OF_CONDA.get(need.name, need.name.lower())} {need.specifier}" for need in needs}


def test_its_version_is_that_of_the_package() -> None:
    assert RECIPE["context"]["version"] == s2kit.__version__


@pytest.mark.parametrize("part", ["host", "run"])
def test_names_and_bounds_are_those_of_the_project(part: str) -> None:
    project = PYPROJECT["project"]
    needs = PYPROJECT["build-system"]["requires"] if part == "host" else project["dependencies"]
    known = {f"python {project['requires-python']}"} | ({"pip"} if part == "host" else set())
    assert set(RECIPE["requirements"][part]) == as_conda(needs) | known


def test_it_starts_and_describes_the_same_program() -> None:
    project = PYPROJECT["project"]
    scripts = [f"{name} = {place}" for name, place in project["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == scripts
    assert (RECIPE["about"]["summary"], RECIPE["about"]["license"]) == (project["description"], project["license"])
    assert (PROJECT / RECIPE["about"]["license_file"]).is_file()
