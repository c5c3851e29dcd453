"""Commands of s2kit run as a user would run them: processes, joined by pipes."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a pipeline did."""

    exit_code: int
    """That of the first command that failed, 0 where none did."""
    stdout: str
    """Of the last command."""
    stderr: str
    """Of all commands, in order."""


def run_pipeline(commands: Sequence[Sequence[str]], folder: Path) -> Ran:
    """Run `s2kit` with each list of words, the output of one being the input of the next.

    Args:
        commands: Words after `s2kit`, for each command of the pipeline.
        folder: Where they run; its `settings.toml` is theirs, and no `S2KIT_…` variable reaches them.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("S2KIT_")}
    stdout, errors, codes = b"", [], []
    for words in commands:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "s2kit", *words],
            cwd=folder,
            env=environment,
            input=stdout,
            capture_output=True,
            check=False,
        )
        stdout = done.stdout
        errors.append(done.stderr.decode(errors="replace"))
        codes.append(done.returncode)
        if done.returncode:
            break
    return Ran(next((code for code in codes if code), 0), stdout.decode(errors="replace"), "".join(errors))
