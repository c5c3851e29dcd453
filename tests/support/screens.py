"""A command on a pseudo-terminal, and what a person sees of it."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyte


@dataclass
class Seen:
    """What a command left on a terminal."""

    exit_code: int
    lines: list[str]
    """The screen at the end, without empty lines at its foot."""
    moments: list[list[str]] = field(default_factory=list)
    """The screen after each piece of output."""


def on_terminal(
    words: Sequence[str], *, columns: int = 100, rows: int = 60, cwd: Path | None = None, env: Mapping[str, str] = {}
) -> Seen:
    """Run a command whose stdout and stderr are one terminal."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    process = subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
        cwd=cwd,
        env={**environment, "TERM": "xterm-256color", **env},
    )
    os.close(child)
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    moments: list[list[str]] = []
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not data:
            break
        stream.feed(data)
        moments.append(_lines(screen))
    os.close(parent)
    return Seen(process.wait(60), _lines(screen), moments)


def _lines(screen: pyte.Screen) -> list[str]:
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines
