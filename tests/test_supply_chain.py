"""What comes with s2kit: licences of all that it needs to run, and the versions that are tested."""

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support.distributions import EXTRAS, runtime

PROJECT = Path(__file__).resolve().parents[1]
GPL = {"sentinelsat", "html2text"}
"""Said in the README: asked for by name, and what it needs; imported only for `--catalogue dhus`."""
PERMISSIVE = re.compile(
    r"apache|\bmit\b|bsd|isc\b|psf|python software foundation|mpl|mozilla|zlib|cc0|unlicense|0bsd|hpnd|dual license",
    re.I,
)
COPYLEFT = re.compile(r"\bA?L?GPL|affero|general public", re.I)


PLAIN = runtime(frozenset())
RUNTIME = runtime(EXTRAS)


def licence_of(one: Distribution) -> str:
    """What a distribution says of its licence: the expression, else the first line of the text, and the classifiers."""
    metadata = one.metadata
    said = metadata.get("License-Expression") or (metadata.get("License") or "").strip().partition("\n")[0]
    classifiers = [text for text in metadata.get_all("Classifier") or () if text.startswith("License ::")]
    return " ".join([said, *classifiers])


@pytest.mark.parametrize("name", sorted(RUNTIME))
def test_each_licence_is_known_and_compatible(name: str) -> None:
    licence = licence_of(RUNTIME[name])
    if name in GPL:
        assert COPYLEFT.search(licence)
        assert name in (PROJECT / "README.md").read_text(encoding="utf-8"), "copyleft is said in the README"
    else:
        assert PERMISSIVE.search(licence), licence
        assert not COPYLEFT.search(licence), licence


def test_all_of_it_was_looked_at() -> None:
    assert len(PLAIN) > 40
    assert set(PLAIN) >= GPL
    assert set(RUNTIME) > set(PLAIN) | {"dask", "fastapi", "netcdf4", "pyogrio", "rustac", "xarray", "zarr"}


def constraints() -> dict[str, str]:
    text = (PROJECT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.+!]+", line) for line in lines), "names and versions only"
    return dict(line.split("==") for line in lines)


def test_constraints_name_all_of_it_and_suit_the_lower_bounds() -> None:
    tested = constraints()
    assert set(RUNTIME) - {"s2kit"} <= set(tested)
    for text in distribution("s2kit").requires or ():
        need = Requirement(text)
        if canonicalize_name(need.name) in tested:
            assert need.specifier.contains(Version(tested[canonicalize_name(need.name)])), text


def test_promises_name_tests_that_exist() -> None:
    text = (PROJECT / "SECURITY.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text))
    assert len(named) > 15
    for file, test in named:
        source = (PROJECT / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in source, f"{file}::{test}"
