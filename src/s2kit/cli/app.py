"""The `s2kit` command: global options, the verbs, and what becomes of errors."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from s2kit.cli.boundary import Root, say_error
from s2kit.cli.context import GlobalOptions, remember
from s2kit.cli.shutdown import code_of_signal, end_soon, heed_signals
from s2kit.cli.streams import give_up, stdout_error
from s2kit.errors import ExitCode
from s2kit.version import __version__

EPILOG = "Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in ExitCode) + "."

app = typer.Typer(
    cls=Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if sys.stdout is not None and sys.stdout.isatty() else None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"s2kit {__version__}")
        raise typer.Exit


@app.callback()
def s2kit(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Read this file instead of ./settings.toml.")
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", metavar="FILE", help="Read this file instead of ./.env.")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", metavar="DIR", help="Folder of the products; by default the current one."),
    ] = None,
    quiet: Annotated[
        int, typer.Option("--quiet", "-q", count=True, show_default=False, help="Print errors only; twice: nothing.")
    ] = 0,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Print each item; twice: debug lines and tracebacks.",
        ),
    ] = 0,
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Append a line for each event to this file.")
    ] = None,
    log_requests: Annotated[
        Path | None,
        typer.Option(
            "--log-requests",
            metavar="FILE",
            help="Append a JSON line for each run to this file: time, parameters, result.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="Dask cluster that does the work in place of --jobs: tcp://host:8786, tls://… or local:N.",
        ),
    ] = None,
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help="Progress bars on a terminal.")] = True,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find, download, check, render, cut and read Sentinel-2 imagery. The options below may also follow a verb."""
    remember(
        GlobalOptions(
            config=config,
            env_file=env_file,
            dataset=dataset,
            verbosity=verbose - quiet,
            log_file=log_file,
            log_requests=log_requests,
            progress=progress,
            cluster=cluster,
        )
    )


def main() -> None:
    """Run the command line; SIGTERM unwinds like Ctrl-C, so that nothing half written stays."""
    from s2kit.run.no_boto3 import keep_boto3_from_rasterio

    heed_signals()
    keep_boto3_from_rasterio()
    try:
        app(prog_name="s2kit")
    except KeyboardInterrupt:  # before or behind the verb
        end_soon(ExitCode.INTERRUPTED)
        raise SystemExit(ExitCode.INTERRUPTED) from None
    except SystemExit as end:
        code = code_of_signal() or _code_of_stdout() or end.code
        if (parallel := sys.modules.get("s2kit.run.parallel")) is not None:
            parallel.end_workers()
        end_soon(code)
        raise SystemExit(code) from None
    finally:
        gc.freeze()  # the interpreter's last collections would look at every object once more, a tenth of a second


def _code_of_stdout() -> ExitCode | None:
    """What the process shall end with because the last of stdout could not be written; None if it could."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        give_up(sys.stdout)
        return ExitCode.PIPE_CLOSED
    except OSError as error:
        say_error(stdout_error(error))
        return ExitCode.DISK
    return None
