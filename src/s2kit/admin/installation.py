"""Checks of what is installed: Python packages, extras, GDAL with its drivers, PROJ, OpenJPEG; asks the environment."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from types import MappingProxyType

from s2kit.admin.check import CheckState, DoctorCheck
from s2kit.version import __version__

_SHOWN = ("rasterio", "numpy", "boto3", "shapely", "joblib", "pystac-client", "typer", "simplejpeg", "isal")
"""Packages that are always listed; others only if something is wrong with them."""
EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "cluster": "work on a Dask cluster (--cluster)",
        "openeo": "openEO process graphs (run, validate, jobs)",
        "parquet": "Parquet files (-o FILE.parquet)",
        "plot": "charts (stats --plot)",
        "serve": "the HTTP service",
        "stac": "stac-geoparquet (search -f stac -o FILE.parquet)",
        "vector": "areas and parcels from Shapefile and GeoPackage",
        "xarray": "cubes and their files (cube, s2kit.cube)",
        "zarr": "products in Zarr (EOPF)",
    }
)
"""What each extra is for; those for developers are left out."""
_WITHOUT = {"sentinelsat": "DHuS hubs cannot be searched (--catalogue dhus); all else works"}
"""Packages that may be missing, with what does not work then."""
_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[^]]*\])?\s*(?:>=\s*(?P<least>[\d.]+))?[^;]*"
    r"(?:;.*?extra\s*==\s*['\"](?P<extra>[\w-]+)['\"].*)?"
)


@dataclass(frozen=True, slots=True)
class _Package:
    """A package that s2kit asks for, and what is there."""

    name: str
    least: str
    """Lowest version that will do; empty for any."""
    extra: str
    """Extra that asks for it; empty for s2kit itself."""
    found: str
    """Version that is installed; empty if none is."""

    @property
    def is_old(self) -> bool:
        """True if it is installed in a version that is too low."""
        return bool(self.found) and _numbers(self.found) < _numbers(self.least)


def python_checks() -> Iterator[DoctorCheck]:
    """Python, s2kit, and the packages that it cannot do without."""
    yield DoctorCheck("python", CheckState.OK, sys.version.split()[0])
    yield DoctorCheck("s2kit", CheckState.OK, __version__)
    for package in _packages():
        if not package.extra and (check := _package_check(package)) is not None:
            yield check


def _package_check(package: _Package) -> DoctorCheck | None:
    if not package.found and package.name in _WITHOUT:
        hint = f"pip install {package.name}"
        return DoctorCheck(package.name, CheckState.OK, f"not installed: {_WITHOUT[package.name]}", hint)
    if not package.found:
        return DoctorCheck(package.name, CheckState.FAIL, "not installed", "pip install --force-reinstall s2kit")
    if package.is_old:
        hint = f"pip install --upgrade {package.name}"
        return DoctorCheck(package.name, CheckState.WARN, f"{package.found}, {package.least} is needed", hint)
    return DoctorCheck(package.name, CheckState.OK, package.found) if package.name in _SHOWN else None


def extra_checks() -> Iterator[DoctorCheck]:
    """Each extra: the versions of its packages, or the line that installs it."""
    packages = _packages()
    for extra, purpose in EXTRAS.items():
        own = [package for package in packages if package.extra == extra]
        missing = [package.name for package in own if not package.found]
        old = [f"{package.name} {package.found} < {package.least}" for package in own if package.is_old]
        if missing:
            few = f" ({', '.join(missing)})" if len(missing) < len(own) else ""
            detail = f"not installed{few}: {purpose}"
            yield DoctorCheck(f"extra {extra}", CheckState.OK, detail, f"pip install 's2kit[{extra}]'")
        elif old:
            hint = f"pip install --upgrade 's2kit[{extra}]'"
            yield DoctorCheck(f"extra {extra}", CheckState.WARN, f"too old: {', '.join(old)}", hint)
        else:
            there = ", ".join(f"{package.name} {package.found}" for package in own)
            yield DoctorCheck(f"extra {extra}", CheckState.OK, there)


def _packages() -> list[_Package]:
    """What the metadata of s2kit asks for; nothing if it runs without being installed."""
    try:
        texts = requires("s2kit") or []
    except PackageNotFoundError:
        return []
    found = (_REQUIREMENT.fullmatch(text) for text in texts)
    return [
        _Package(one["name"].lower(), one["least"] or "", one["extra"] or "", _version(one["name"]))
        for one in found
        if one is not None
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _numbers(text: str) -> tuple[int, ...]:
    """The first numbers of a version, without zeros at the end."""
    found = [int(number) for number in re.findall(r"\d+", text.partition("+")[0])[:3]]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def decoder_checks(openjpeg: str) -> Iterator[DoctorCheck]:
    """GDAL and PROJ inside rasterio, the variables that lead them astray, and OpenJPEG.

    Args:
        openjpeg: The setting: `auto` or `off`.
    """
    from s2kit.jp2.openjpeg import route_in_use
    from s2kit.run.gdal_info import gdal_version

    yield DoctorCheck("gdal", CheckState.OK, gdal_version())
    yield from _environment_checks()
    yield _proj_check()
    yield from _driver_checks()
    yield DoctorCheck("jpeg 2000 windows", CheckState.OK, route_in_use(openjpeg))
    yield _openjpeg_check()


def _environment_checks() -> Iterator[DoctorCheck]:
    from s2kit.run.gdal_info import environment_problems, foreign_variables

    problems = environment_problems()
    for problem in problems:
        yield DoctorCheck("environment", CheckState.FAIL, str(problem), problem.hint or "")
    told = " ".join(str(problem) for problem in problems)
    others = {name: value for name, value in foreign_variables().items() if f"{name}=" not in told}
    for name, value in others.items():
        detail = f"{name}={value} leads to another installation; it works, but is no part of rasterio"
        yield DoctorCheck("environment", CheckState.WARN, detail, f"unset {name}: rasterio brings its own")
    if not problems and not others:
        yield DoctorCheck("environment", CheckState.OK, "no variable leads to another GDAL or PROJ")


def _proj_check() -> DoctorCheck:
    from s2kit.run.gdal_info import proj_fault, proj_version

    fault = proj_fault()
    if fault is None:
        return DoctorCheck("proj", CheckState.OK, f"{proj_version()}, EPSG:32631 comes out right")
    hint = "unset PROJ_DATA and PROJ_LIB, or install rasterio from its wheel again"
    return DoctorCheck("proj", CheckState.FAIL, fault, hint)


def _driver_checks() -> Iterator[DoctorCheck]:
    from s2kit.run.gdal_info import NEEDED_DRIVERS, driver_names

    names = driver_names()
    hint = "install rasterio from its wheel: pip install --force-reinstall --only-binary :all: rasterio"
    if "JP2OpenJPEG" in names:
        yield DoctorCheck("jpeg 2000 driver", CheckState.OK, "JP2OpenJPEG")
    else:
        yield DoctorCheck("jpeg 2000 driver", CheckState.FAIL, "rasterio has no JP2OpenJPEG", hint)
    missing = [name for name in NEEDED_DRIVERS if name not in names and name != "JP2OpenJPEG"]
    if missing:
        yield DoctorCheck("gdal drivers", CheckState.FAIL, f"rasterio has no {', '.join(missing)}", hint)
    elif "WEBP" not in names:
        yield DoctorCheck(
            "gdal drivers", CheckState.WARN, "rasterio has no WEBP: render --format webp cannot work", hint
        )
    else:
        there = ", ".join(name for name in (*NEEDED_DRIVERS, "WEBP") if name != "JP2OpenJPEG")
        yield DoctorCheck("gdal drivers", CheckState.OK, there)


def _openjpeg_check() -> DoctorCheck:
    """The OpenJPEG that was found, against the faults that were published."""
    from s2kit.jp2.openjpeg import load
    from s2kit.jp2.openjpeg_faults import faults_of

    library = load()
    if library is None:
        return DoctorCheck(
            "openjpeg", CheckState.WARN, "no library of known kind was found, so its faults are not known"
        )
    faults = faults_of(library.version)
    told = ", ".join(f"{one.name} ({'reached' if one.reached else 'not reached'})" for one in faults)
    state = CheckState.WARN if any(fault.reached for fault in faults) else CheckState.OK
    hint = "" if state is CheckState.OK else "install rasterio 1.4.4 or later from its wheel, which carries a newer one"
    return DoctorCheck("openjpeg", state, f"{library.version}; published faults: {told or 'none'}", hint)
