"""Checks of the machine: folders and their disks, limits, the clock; looks at files and the environment."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from s2kit.admin.check import CheckState, DoctorCheck
from s2kit.settings import Settings

_LOW_SPACE = 2 * 10**9
"""Free bytes under which a download of one product may fail."""
_LOW_FILES = 256
"""Open files under which a pool of workers and transfers may fail."""
MAX_SKEW_S = 300.0
"""S3 refuses signatures that are more than 15 minutes off; a third of that is worth a word."""
_LOOKED_AT = 200
"""Entries of a folder whose time is looked at."""


def place_checks(settings: Settings) -> Iterator[DoctorCheck]:
    """The folders that s2kit writes to: whether it can, and how much is free."""
    places = {
        "dataset folder": (settings.dataset, CheckState.WARN, "name another with --dataset or --out"),
        "cache folder": (
            settings.cache_dir,
            CheckState.WARN,
            "name another: S2KIT_CACHE_DIR=DIR",
        ),
        "job folder": (settings.job_store, CheckState.WARN, "name another for s2kit jobs: S2KIT_JOB_STORE=DIR"),
        "temporary folder": (Path(tempfile.gettempdir()), CheckState.FAIL, "name another: TMPDIR=DIR"),
    }
    for name, (folder, state, hint) in places.items():
        yield _place_check(name, folder, state, hint)


def _place_check(name: str, folder: Path, if_not: CheckState, hint: str) -> DoctorCheck:
    from s2kit.run.files import free_bytes

    there = "" if folder.is_dir() else " (not there yet)"
    fault = _why_not_written(folder)
    if fault:
        return DoctorCheck(name, if_not, f"{folder.absolute()}{there} cannot be written: {fault}", hint)
    free = free_bytes(folder)
    detail = f"{folder.absolute()}{there}, {free / 1e9:.1f} GB free"
    if free > _LOW_SPACE:
        return DoctorCheck(name, CheckState.OK, detail)
    return DoctorCheck(name, CheckState.WARN, detail, "free some space, or name another folder in the settings")


def _why_not_written(folder: Path) -> str:
    """Why no file can be made in a folder, or in the one that it will be made in; empty if one can."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return f"{place} is no folder"
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def limit_checks(settings: Settings) -> Iterator[DoctorCheck]:
    """Workers and open files."""
    from s2kit.run.parallel import worker_count

    count = worker_count(settings.jobs)
    yield DoctorCheck(
        "workers", CheckState.OK, f"{count}, by the {'settings' if settings.jobs else 'cores of this machine'}"
    )
    with suppress(ImportError):
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit

        soft = getrlimit(RLIMIT_NOFILE)[0]
        if soft == RLIM_INFINITY or soft >= _LOW_FILES:
            yield DoctorCheck("open files", CheckState.OK, f"at most {'any number' if soft == RLIM_INFINITY else soft}")
        else:
            yield DoctorCheck("open files", CheckState.WARN, f"at most {soft}", "ulimit -n 1024")


def file_clock_check(settings: Settings) -> DoctorCheck:
    """The clock against the times of files, if no service is asked: one from the future shows that it is behind."""
    now = time.time()
    latest, path = max(_file_times(settings), default=(now, Path()))
    if latest - now > MAX_SKEW_S:
        detail = f"{path} is {latest - now:.0f} s from the future: this clock is behind, or was ahead"
        return DoctorCheck("clock", CheckState.WARN, detail, "set the clock: signed requests are refused if it is off")
    shown = datetime.fromtimestamp(now, UTC)
    return DoctorCheck("clock", CheckState.OK, f"{shown:%Y-%m-%d %H:%M:%S} UTC; no file is from the future")


def _file_times(settings: Settings) -> Iterator[tuple[float, Path]]:
    for folder in (Path(__file__).parent, settings.dataset, settings.cache_dir):
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in islice(entries, _LOOKED_AT):
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_mtime, Path(entry.path)
