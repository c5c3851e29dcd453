"""`s2kit config`: what the settings are, where each came from, and a file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from s2kit.cli.context import load
from s2kit.cli.json_text import to_json
from s2kit.cli.output import write_line

config_app = typer.Typer(no_args_is_help=True, help="Show the settings, list their files, or write new ones.")


@config_app.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Print where each value is from.")] = False,
    form: Annotated[str, typer.Option("--format", "-f", metavar="text|json", help="Output format.")] = "text",
) -> None:
    """Print the settings that count now. Of secrets it prints only whether they are set."""
    from s2kit.cli.settings_text import settings_lines, settings_record

    loaded = load()
    if loaded.ignored:
        typer.echo(f"s2kit: warning: {loaded.ignored}", err=True)
    if form == "json":
        write_line(to_json(settings_record(loaded, origins=origin), indent=2))
    elif form == "text":
        for line in settings_lines(loaded, origins=origin):
            write_line(line)
    else:
        raise typer.BadParameter(f"{form}: there are text and json", param_hint="--format")


@config_app.command()
def path() -> None:
    """List the settings files that are read, the strongest last."""
    from s2kit.settings import user_settings_path

    for place in (user_settings_path(), Path("settings.toml").absolute()):
        write_line(f"{place}{'' if place.is_file() else '  (not there)'}")


@config_app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the two files.")] = Path(),
) -> None:
    """Write settings.toml and .env with every setting explained. Existing files are never changed."""
    from s2kit.cli.settings_text import env_example, settings_example
    from s2kit.errors import OutputError
    from s2kit.run.files import write_atomic

    files = {folder / "settings.toml": settings_example(), folder / ".env": env_example()}
    for path in files:
        if path.exists():
            raise OutputError(f"{path} exists already", "edit it, or write both files elsewhere: s2kit config init DIR")
    for path, text in files.items():
        written = write_atomic(path, text.encode())
        if path.name == ".env":
            path.chmod(0o600)  # keys will be written into it
        write_line(str(written))
