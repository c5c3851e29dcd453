"""What `s2kit run` is asked: a graph in openEO's own words, its parameters, and where its results go. Computes only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from s2kit.errors import UsageError
from s2kit.openeo.collections import Collections, open_catalogue
from s2kit.openeo.errors import GraphError, Problem, ProcessError
from s2kit.openeo.graph import ProcessGraph, arguments_of, unwrap
from s2kit.openeo.job import without_secrets
from s2kit.openeo.legacy import is_legacy, standard
from s2kit.openeo.validate import Rules, require_valid, validate
from s2kit.run.choices import one_of
from s2kit.settings import Loaded

MAX_PX = 20_000_000_000
"""Most values that a graph may load, if nothing else is said: two tiles at 10 m, two bands, 40 dates."""


RESULT = "result"
"""What the files of a result begin with, unless a file is named."""


DIALECTS = ("auto", "openeo", "geosoft2")


class RunOptions(TypedDict, total=False):
    """What a run takes, by the names of the options of `s2kit run`; None means not given."""

    out: str | Path | None
    """Folder for the results, or a file with the extension of its format."""
    collection: Sequence[str] | None
    """`ID=PATH`: collections, over those of the settings."""
    param: Sequence[str] | Mapping[str, Any] | None
    """`k=v`: values of the graph's parameters, as JSON or text."""
    format: str | None
    """File format, instead of that of the graph."""
    dialect: str
    """`auto`, `openeo` or `geosoft2`."""
    max_px: int | None
    """Most values that may be loaded."""
    overwrite: bool
    """True replaces results that are there."""
    resume: bool
    """True goes on with what an earlier run of the same graph has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A graph that is valid, and where its results go."""

    graph: ProcessGraph
    """In openEO's own words."""
    catalogue: Collections = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    name: str = RESULT
    """What all files begin with."""
    form: str | None = None
    max_px: int = MAX_PX
    overwrite: bool = False
    resume: bool = False
    jobs: int = 0

    @property
    def metadata(self) -> Path:
        """The STAC Item: `result.json` in a folder, `NAME.stac.json` beside a file that was named."""
        return self.folder / (f"{self.name}.json" if self.name == RESULT else f"{self.name}.stac.json")

    @classmethod
    def parse(cls, loaded: Loaded, body: Any, **options: Unpack[RunOptions]) -> Self:
        """Check a graph and the options of its run; no pixel is read.

        Raises:
            GraphError: The graph is not valid; with all problems.
            UsageError: An option that cannot be.
        """
        folder, name, form = _place(options.get("out"), options.get("format"))
        catalogue = open_catalogue(loaded, options.get("collection") or ())
        parameters = parameters_of(options.get("param"))
        graph = normalised(body, options.get("dialect", "auto"))
        require_valid(graph, rules_of(catalogue, parameters))
        return cls(
            graph=graph,
            catalogue=catalogue,
            parameters={**_defaults(graph), **parameters},
            folder=folder,
            name=name,
            form=form,
            max_px=options.get("max_px") or MAX_PX,
            overwrite=options.get("overwrite", False),
            resume=options.get("resume", False),
            jobs=loaded.settings.jobs,
        )


def normalised(body: Any, dialect: str = "auto") -> ProcessGraph:
    """The graph of a body in openEO's own words, without secrets.

    Args:
        body: A graph in any envelope.
        dialect: `auto`, `openeo` or `geosoft2`.

    Raises:
        GraphError: There is no graph in it, or its dialect cannot be understood.
        UsageError: The dialect is not known.
    """
    one_of("dialect", dialect, DIALECTS)
    given = unwrap(body)
    graph = unwrap(without_secrets(body))
    logins = [name for name, node in given.nodes.items() if "Login" in arguments_of(node)]
    graph = replace(graph, notes=tuple(f"{name}: Login was dropped, nobody needs it" for name in logins))
    if dialect == "geosoft2" or (dialect == "auto" and is_legacy(graph.nodes)):
        return standard(graph)
    return graph


def rules_of(catalogue: Collections, parameters: Iterable[str] = ()) -> Rules:
    """What is checked besides the specifications: collections and formats."""
    return Rules(
        checks={"load_collection": catalogue.check, "load_stac": _check_stac(catalogue), "save_result": _check_format},
        parameters=frozenset(parameters),
    )


def problems_of(
    body: Any, catalogue: Collections, parameters: Iterable[str] = (), dialect: str = "auto"
) -> list[Problem]:
    """All problems of a graph in any envelope; empty if it is valid."""
    try:
        graph = normalised(body, dialect)
    except GraphError as error:
        return list(error.problems)
    return validate(graph, rules_of(catalogue, parameters))


def _check_format(place: str, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    from s2kit.openeo.format_names import format_name

    name = arguments.get("format")
    try:
        if isinstance(name, str):
            format_name(name)
    except ProcessError as error:
        yield Problem(error.code, error.message, place, "format", error.hint)


def _check_stac(catalogue: Collections) -> Any:
    def check(place: str, arguments: Mapping[str, Any]) -> Iterator[Problem]:
        url = arguments.get("url")
        if isinstance(url, str) and url not in catalogue.collections:
            hint = f"only configured collections are read: {', '.join(catalogue.collections)}"
            yield Problem("CollectionNotFound", f"{url!r} is not opened", place, "url", hint)

    return check


def _defaults(graph: ProcessGraph) -> dict[str, Any]:
    return {str(one.get("name")): one["default"] for one in graph.parameters if "default" in one}


def parameters_of(given: Sequence[str] | Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of parameters: JSON if a text can be read as such, else the text.

    Raises:
        UsageError: A text without `=`.
    """
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    import json

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {text!r}: a name and a value are needed", "as in --param band=B04")
        try:
            found[name] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            found[name] = value
    return found


def _place(out: str | Path | None, form: str | None) -> tuple[Path, str, str | None]:
    """Folder, begin of the names, and format; a file's extension says the format too.

    Raises:
        UsageError: The format is not known, or the extension and the format differ.
    """
    from s2kit.openeo.format_names import EXTENSIONS, format_name

    try:
        named = None if form is None else format_name(form)
    except ProcessError as error:
        raise UsageError(error.message, error.hint) from error
    path = Path(out) if out else Path()
    by_extension = EXTENSIONS.get(path.suffix.lower())
    if by_extension is None or path.is_dir():
        return path, RESULT, named
    if named is not None and named != by_extension:
        raise UsageError(f"--out {path.name} is {by_extension}, --format is {named}", "leave one out")
    return path.parent, path.stem, by_extension
