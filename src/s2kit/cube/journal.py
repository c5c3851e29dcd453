"""Which blocks of a cube are done: a file in the unfinished cube, so that a run that was killed is continued.

Its first line names the plan and the boot of the machine: after a crash of the system, what the disk holds is not
what was written, and the cube is begun anew.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from s2kit.run.files import ensure_folder, remove, translate_os_error

NAME = ".s2kit-blocks"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Entry:
    """One block that is done."""

    step: int
    block: int
    data_px: tuple[int, ...]
    clear_px: tuple[int, ...]


def _head(plan: Mapping[str, Any]) -> str:
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    return json.dumps({"boot": boot, "plan": plan}, sort_keys=True)


def done_before(part: Path, plan: Mapping[str, Any]) -> list[Entry] | None:
    """What an earlier run of the same plan finished; None if there is nothing to go on with."""
    try:
        lines = (part / NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    if not lines or lines[0] != _head(plan):
        return None
    entries = []
    for line in lines[1:]:
        try:
            step, block, data, clear = json.loads(line)
        except ValueError:  # the last line of a run that was killed while it wrote
            break
        entries.append(Entry(step, block, tuple(data), tuple(clear)))
    return entries


class Journal:
    """The open file; a line is complete once it is written."""

    def __init__(self, part: Path, plan: Mapping[str, Any], before: list[Entry]) -> None:
        """Begin it, with what was done before.

        Raises:
            DiskError: The disk is full or failing.
        """
        self._path = part / NAME
        ensure_folder(part)
        try:
            self._file: IO[str] = self._path.open("w", encoding="utf-8")
            self._line(_head(plan))
            for entry in before:
                self.add(entry)
        except OSError as error:
            raise translate_os_error(error, part) from error

    def add(self, entry: Entry) -> None:
        """A block is done."""
        self._line(json.dumps([entry.step, entry.block, entry.data_px, entry.clear_px]))

    def _line(self, text: str) -> None:
        try:
            self._file.write(f"{text}\n")
            self._file.flush()
        except OSError as error:
            raise translate_os_error(error, self._path) from error

    def close(self) -> None:
        """Close it."""
        self._file.close()


@contextmanager
def recorded(part: Path, plan: Mapping[str, Any], before: list[Entry]) -> Iterator[Journal]:
    """The journal; it is removed if the block ends well, since the cube is finished then.

    Raises:
        DiskError: The disk is full or failing.
    """
    journal = Journal(part, plan, before)
    try:
        yield journal
    finally:
        journal.close()
    remove(part / NAME)
