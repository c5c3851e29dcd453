"""Print the section of a version in CHANGELOG.md: `python .ci/release_notes.py VERSION`.

Until the version is released its section is `[Unreleased]`, which is taken unless `--released` is given.
"""

import argparse
import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"


def notes(changelog: str, version: str, *, released: bool = False) -> str:
    """The text below the heading of a version, without the heading.

    Raises:
        LookupError: There is no such section, or nothing is in it.
    """
    parts = re.split(r"^## \[([^\]]+)\].*$", changelog, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    text = sections.get(version, "" if released else sections.get("Unreleased", "")).strip()
    if not text:
        raise LookupError(f"CHANGELOG.md has no section [{version}]: rename [Unreleased] to [{version}] - YYYY-MM-DD")
    return text + "\n"


def main() -> int:
    """Print the notes, or what is lacking."""
    parser = argparse.ArgumentParser(description="Print the section of a version in CHANGELOG.md.")
    parser.add_argument("version")
    parser.add_argument("--released", action="store_true", help="[Unreleased] will not do")
    given = parser.parse_args()
    try:
        sys.stdout.write(notes(CHANGELOG.read_text(encoding="utf-8"), given.version, released=given.released))
    except LookupError as error:
        sys.stderr.write(f"{error.args[0]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
