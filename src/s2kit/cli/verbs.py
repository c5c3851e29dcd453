"""The verbs of `s2kit` by name; the module of a verb is loaded, and its options are read, when it is asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.main import get_group

from s2kit.cli.plain_help import show_plainly

_PLACES: Mapping[str, str] = {
    "bands": "bands.bands",
    "chips": "chips.chips",
    "cube": "cube.cube",
    "demo": "demo.demo",
    "download": "download.download",
    "info": "info.info",
    "parcels": "parcels.parcels",
    "pixels": "pixels.pixels",
    "render": "render.render",
    "search": "search.search",
    "stats": "stats.stats",
    "verify": "verify.verify",
    "collections": "run.collections",
    "processes": "run.processes",
    "run": "run.run",
    "validate": "run.validate",
    "doctor": "doctor.doctor",
    "schema": "schema.schema",
    "cache": "cache.cache_app",
    "config": "config.config_app",
    "jobs": "jobs.jobs_app",
    "serve": "serve.serve_app",
}
"""Names in the order of the help; where the function of a verb is, or the application of a group of verbs."""


class Verbs(Mapping[str, Any]):
    """What Typer takes for the dictionary of a group's commands."""

    def __init__(self, markup: Any) -> None:
        self._markup = markup
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The command of a verb, or of a group of verbs."""
        if name not in self._made:
            self._made[name] = _command(name, _PLACES[name], self._markup)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)

    def __contains__(self, name: object) -> bool:
        return name in _PLACES


def _command(name: str, place: str, markup: Any) -> Any:
    from s2kit.cli.multiword import Verb

    module, attribute = place.split(".")
    verb = getattr(import_module(f"s2kit.cli.{module}"), attribute)
    alone = typer.Typer(rich_markup_mode=markup)
    if isinstance(verb, typer.Typer):
        alone.add_typer(verb, name=name)
    else:
        alone.command(name, cls=Verb)(verb)
    command = get_group(alone).commands[name]
    show_plainly(command)
    return command
