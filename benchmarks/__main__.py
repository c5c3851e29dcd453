"""`python -m benchmarks [AREA...]`: run all areas or some and print tables; `--markdown FILE` keeps them."""

import argparse
import importlib
import os
import platform
from pathlib import Path

from benchmarks.harness import Table

AREAS = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> None:
    """Run the areas; each `bench_AREA.py` has `run(repeat) -> list[Table]`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"one or more of: {', '.join(AREAS)}")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each contestant (default 3)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables as Markdown")
    options = parser.parse_args()
    for area in options.areas:
        if area not in AREAS:
            parser.error(f"there is no area {area!r}; there are: {', '.join(AREAS)}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    done: list[Table] = []
    for area in options.areas or AREAS:
        for table in importlib.import_module(f"benchmarks.bench_{area}").run(options.repeat):
            print(table.text(), flush=True)
            done.append(table)
    if options.markdown:
        options.markdown.write_text("\n".join(table.markdown() for table in done), encoding="utf-8")


if __name__ == "__main__":
    main()
