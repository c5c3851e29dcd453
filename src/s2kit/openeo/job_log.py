"""A job's log: lines of JSON in a file, as openEO's log entries. Touches the disk."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

LEVELS = ("error", "warning", "info", "debug")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z? (ERROR|WARNING|INFO|DEBUG|CRITICAL) ")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry."""

    level: str
    """`error`, `warning`, `info` or `debug`."""
    message: str
    time: str
    """RFC 3339, UTC."""
    id: str = ""
    """Number of the line, from 1; empty before it is in the file."""

    @classmethod
    def of(cls, level: str, message: str) -> "LogLine":
        """An entry of this moment."""
        return cls(level, message, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))

    def record(self) -> dict[str, str]:
        """As a flat mapping."""
        return {"id": self.id, "level": self.level, "time": self.time, "message": self.message}


def from_stderr(text: str) -> LogLine:
    """What a verb printed on stderr as an entry: its level is told by how the line begins."""
    plain = text.rstrip().removeprefix("s2kit: ")
    if stamped := _STAMP.match(plain):
        level = stamped[1].lower().replace("critical", "error")
        return LogLine.of(level, plain)
    for word, level in (("error: ", "error"), ("failed: ", "error"), ("warning: ", "warning"), ("debug: ", "debug")):
        if plain.startswith(word):
            return LogLine.of(level, plain.removeprefix(word))
    return LogLine.of("info", plain)


def append_line(path: Path, line: LogLine) -> None:
    """Append an entry; each goes in one write, so that lines of two processes do not mix."""
    entry = json.dumps({"level": line.level, "time": line.time, "message": line.message}, ensure_ascii=False)
    with path.open("ab", buffering=0) as file:
        file.write(f"{entry}\n".encode())


def read_lines(path: Path, *, offset: int = 0, limit: int = 0) -> list[LogLine]:
    """Entries of a log, the oldest first; none if there is no file.

    Args:
        path: The file.
        offset: How many to leave out first.
        limit: At most so many; 0 for all.
    """
    try:
        with path.open("rb") as file:
            lines = list(islice(file, offset, offset + limit if limit else None))
    except FileNotFoundError:
        return []
    entries = []
    for number, line in enumerate(lines, offset + 1):
        try:
            entry = json.loads(line)
            entries.append(LogLine(entry["level"], entry["message"], entry["time"], str(number)))
        except (ValueError, KeyError):  # cut off by a crash
            entries.append(LogLine("warning", line.decode(errors="replace").rstrip(), "", str(number)))
    return entries
