"""`s2kit demo`: see it all at work, with no network and no account."""

from pathlib import Path
from typing import Annotated

import typer

from s2kit.cli.context import session
from s2kit.cli.options import Jobs


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the demonstration.")] = Path(
        "s2kit-demo"
    ),
    jobs: Jobs = None,
) -> None:
    """Try s2kit on an invented landscape, with no network.

    Its products and their buckets are made, and the commands that a user would type are run on them.
    """
    from s2kit.cli.output import write_line
    from s2kit.demo.run import NEXT, made, play, prepare, shown_steps

    with session("demo", jobs=jobs) as run:
        write_line(f"An invented landscape, seen by Sentinel-2 on three days, goes to {out}/ …")
        folder = prepare(out, jobs=run.settings.jobs, report=run.report)
        write_line(f"\n$ cd {out}")
        for step in shown_steps():
            write_line(f"\n# {step.title}\n$ {step.line}")
            played = play(step, folder)
            write_line(f"{played.output.rstrip()}\n({played.seconds:.1f} s)")
        write_line("\nMade:")
        for sight in made(folder):
            write_line(f"  {out / sight.path.relative_to(folder)!s:<33} {sight.what}")
        write_line("\nTry next, in that folder:")
        for line in NEXT:
            write_line(f"  {line}")
