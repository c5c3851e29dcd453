"""Folders that cannot be written, limits, and a clock that is behind."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from s2kit.admin.check import CheckState
from s2kit.admin.machine import _place_check, file_clock_check, limit_checks, place_checks
from s2kit.settings import Settings


def test_folders_that_can_be_written(tmp_path):
    settings = Settings(dataset=tmp_path, cache_dir=tmp_path / "cache" / "s2kit", job_store=tmp_path / "jobs")
    checks = {check.check: check for check in place_checks(settings)}
    assert list(checks) == ["dataset folder", "cache folder", "job folder", "temporary folder"]
    assert checks["dataset folder"].detail.startswith(f"{tmp_path}, ")
    assert checks["cache folder"].detail.startswith(f"{tmp_path}/cache/s2kit (not there yet), ")
    assert not (tmp_path / "cache").exists(), "a check makes nothing"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_where_no_file_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    check = _place_check("cache folder", tmp_path / "file" / "cache", CheckState.WARN, "name another")
    assert check.state is CheckState.WARN
    assert check.detail == f"{tmp_path}/file/cache (not there yet) cannot be written: {tmp_path}/file is no folder"
    assert check.hint == "name another"
    proc = _place_check("temporary folder", Path("/proc"), CheckState.FAIL, "TMPDIR=DIR")  # not even root may
    assert proc.state is CheckState.FAIL
    assert "/proc cannot be written: " in proc.detail


def test_a_temporary_folder_that_is_gone_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    states = {check.check: check.state for check in place_checks(Settings(dataset=tmp_path))}
    assert states["temporary folder"] is CheckState.FAIL


def test_a_file_from_the_future_shows_that_the_clock_is_behind(tmp_path):
    settings = Settings(dataset=tmp_path, cache_dir=tmp_path)
    assert file_clock_check(settings).state is CheckState.OK
    file = tmp_path / "NAME.SAFE"
    file.touch()
    later = time.time() + 86_400
    os.utime(file, (later, later))
    check = file_clock_check(settings)
    assert check.state is CheckState.WARN
    assert check.detail.startswith(f"{file} is 86")
    assert "this clock is behind" in check.detail


@pytest.mark.parametrize(("jobs", "detail"), [(3, "3, by the settings"), (0, "by the cores of this machine")])
def test_workers(jobs, detail):
    checks = {check.check: check.detail for check in limit_checks(Settings(jobs=jobs))}
    assert checks["workers"].endswith(detail)
    assert checks["open files"].startswith("at most ")


def test_few_open_files_are_a_warning():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        check = {one.check: one for one in limit_checks(Settings())}["open files"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (check.state, check.detail, check.hint) == (CheckState.WARN, "at most 200", "ulimit -n 1024")
