"""What is installed and what is not, with the line that mends it; GDAL, PROJ and the variables that lead them astray."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copyfile

import pytest
import rasterio

from s2kit.admin import installation
from s2kit.admin.check import CheckState
from s2kit.admin.installation import EXTRAS, decoder_checks, extra_checks, python_checks
from s2kit.run import gdal_info
from support.distributions import OF_DEVELOPERS

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def by_name(checks):
    return {check.check: check for check in checks}


def installed(monkeypatch, versions, requirements):
    """Let the metadata be others than those of this environment."""
    monkeypatch.setattr(installation, "requires", lambda _: requirements)
    monkeypatch.setattr(installation, "_version", lambda name: versions.get(name, ""))


def test_every_extra_for_users_is_listed():
    assert {*EXTRAS, *OF_DEVELOPERS} == set(PROJECT["optional-dependencies"])
    assert list(by_name(extra_checks())) == [f"extra {name}" for name in EXTRAS]


def test_every_requirement_is_understood():
    least = {package.name: package.least for package in installation._packages() if not package.extra}
    for text in PROJECT["dependencies"]:
        name, _, version = text.partition(">=")
        assert least[name.lower()] == version
    assert by_name(python_checks())["numpy"].state is CheckState.OK


def test_an_extra_that_is_missing_comes_with_the_line_that_installs_it(monkeypatch):
    asked = [
        "pyogrio>=0.11; extra == 'vector'",
        "xarray>=2025.1; extra == 'xarray'",
        "dask[array]>=2025; extra == 'xarray'",
    ]
    installed(monkeypatch, {"dask": "2026.1"}, asked)
    checks = by_name(extra_checks())
    vector, xarray = checks["extra vector"], checks["extra xarray"]
    assert (vector.state, vector.hint) == (CheckState.OK, "pip install 's2kit[vector]'")
    assert vector.detail == "not installed: areas and parcels from Shapefile and GeoPackage"
    assert xarray.detail.startswith("not installed (xarray): ")


def test_versions_that_are_too_low(monkeypatch):
    asked = ["numpy>=2.0", "rasterio>=1.4.4", "pyogrio>=0.11; extra == 'vector'", "typer>=0.29"]
    installed(monkeypatch, {"numpy": "1.26.4", "rasterio": "1.4.4.post1", "pyogrio": "0.9.0", "typer": "0.29"}, asked)
    checks = by_name([*python_checks(), *extra_checks()])
    assert checks["numpy"].state is CheckState.WARN
    assert (checks["numpy"].detail, checks["numpy"].hint) == ("1.26.4, 2.0 is needed", "pip install --upgrade numpy")
    assert checks["rasterio"].state is CheckState.OK
    assert checks["typer"].state is CheckState.OK
    assert checks["extra vector"].detail == "too old: pyogrio 0.9.0 < 0.11"
    assert checks["extra vector"].hint == "pip install --upgrade 's2kit[vector]'"


def test_a_package_that_is_gone_is_a_failure_unless_all_works_without_it(monkeypatch):
    installed(monkeypatch, {}, ["simplejpeg>=1.8", "sentinelsat>=1.2.1"])
    checks = by_name(python_checks())
    assert checks["simplejpeg"].state is CheckState.FAIL
    assert checks["sentinelsat"].state is CheckState.OK
    assert "DHuS hubs cannot be searched" in checks["sentinelsat"].detail


def test_proj_and_the_drivers_of_this_environment():
    checks = by_name(decoder_checks("auto"))
    assert checks["proj"].detail == f"{rasterio.__proj_version__}, EPSG:32631 comes out right"
    assert checks["gdal drivers"].detail == "GTiff, COG, MEM, JPEG, PNG, WEBP"
    assert checks["environment"].detail == "no variable leads to another GDAL or PROJ"


@pytest.mark.parametrize(("gone", "state"), [("COG", CheckState.FAIL), ("WEBP", CheckState.WARN)])
def test_a_driver_that_is_missing_is_named(gone, state, monkeypatch):
    names = gdal_info.driver_names()
    monkeypatch.setattr(gdal_info, "driver_names", lambda: names - {gone})
    check = by_name(decoder_checks("auto"))["gdal drivers"]
    assert check.state is state
    assert f"no {gone}" in check.detail
    assert "rasterio" in check.hint


def test_a_place_that_comes_out_wrong(monkeypatch):
    monkeypatch.setattr(gdal_info, "_NORTHING_M", gdal_info._NORTHING_M + 250)
    check = by_name(decoder_checks("auto"))["proj"]
    assert (check.state, check.detail) == (CheckState.FAIL, "a place in EPSG:32631 comes out 250 m off")


def doctor(tmp_path, code=0, **variables):
    done = subprocess.run(
        [sys.executable, "-m", "s2kit", "doctor", "--offline", "-f", "jsonl"],
        cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_variables_that_lead_elsewhere_and_do_no_harm_are_a_warning(tmp_path):
    copyfile(Path(rasterio.__file__).with_name("proj_data") / "proj.db", tmp_path / "proj.db")
    checks = doctor(tmp_path, GDAL_DATA=str(tmp_path / "gdal"), PROJ_DATA=str(tmp_path))
    warned = {check["hint"]: check for check in checks if check["check"] == "environment"}
    assert len(warned) == 2
    for name, value in {"GDAL_DATA": tmp_path / "gdal", "PROJ_DATA": tmp_path}.items():
        check = warned[f"unset {name}: rasterio brings its own"]
        assert check["state"] == "warn"
        assert check["detail"].startswith(f"{name}={value} leads to another installation; it works")


def test_a_proj_without_a_database_fails(tmp_path):
    states = {check["check"]: check for check in doctor(tmp_path, 78, PROJ_LIB=str(tmp_path))}
    assert states["environment"]["state"] == "fail"
    assert states["environment"]["detail"].startswith(f"PROJ_LIB={tmp_path} ")
    assert states["proj"]["state"] == "fail"
    assert states["proj"]["detail"].startswith("EPSG:32631 is not known")
