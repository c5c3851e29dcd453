"""Release notes are the changelog's section of the version."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import s2kit

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "release_notes.py"
CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- New.

## [1.1.0] - 2026-01-02

### Fixed

- This; see [1.0.0].

## [1.0.0] - 2026-01-01

The first.

## [0.9.0] - 2025-01-01
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_notes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_current_version_has_notes() -> None:
    done = subprocess.run([sys.executable, SCRIPT, s2kit.__version__], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    assert not any(line.startswith("## ") for line in done.stdout.splitlines())


def test_a_section_is_what_lies_between_two_headings(script: ModuleType) -> None:
    assert script.notes(CHANGELOG, "1.1.0") == "### Fixed\n\n- This; see [1.0.0].\n"
    assert script.notes(CHANGELOG, "1.0.0", released=True) == "The first.\n"


def test_what_comes_next_is_unreleased_until_it_is_named(script: ModuleType) -> None:
    assert script.notes(CHANGELOG, "1.2.0") == "### Added\n\n- New.\n"
    with pytest.raises(LookupError, match=r"no section \[1\.2\.0\]"):
        script.notes(CHANGELOG, "1.2.0", released=True)


def test_an_empty_section_is_none(script: ModuleType) -> None:
    with pytest.raises(LookupError):
        script.notes(CHANGELOG, "0.9.0")


def test_a_release_without_notes_fails_in_one_line() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--released", "99.0.0"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
