"""Running a graph: from its text to files and what describes them. Touches files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypedDict, Unpack

from s2kit.errors import ConfigError, UsageError
from s2kit.openeo.collections import Collections, open_catalogue
from s2kit.openeo.collections.base import wanted_of
from s2kit.openeo.errors import INSTALL, GraphError, Problem, ProcessError
from s2kit.openeo.graph import ProcessGraph, arguments_of, unwrap
from s2kit.openeo.job import without_secrets
from s2kit.openeo.legacy import is_legacy, standard
from s2kit.openeo.validate import Rules, require_valid, validate
from s2kit.run.choices import one_of
from s2kit.run.events import Note, Report, silent
from s2kit.run.files import ensure_folder, refuse_existing
from s2kit.run.locks import output_lock
from s2kit.settings import Loaded
from s2kit.version import __version__

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run made."""

    paths: tuple[Path, ...]
    """The results."""
    metadata: Path
    """The STAC Item that describes them."""
    value: Any = None
    """What the result node gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a graph loads, for `--dry-run`."""

    collection: str
    dims: str
    shape: tuple[int, ...]
    values: int
    sources: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """As a flat mapping."""
        return {
            "id": self.collection,
            "dims": self.dims,
            "shape": list(self.shape),
            "values": self.values,
            "products": len(self.sources),
        }


@dataclass(frozen=True, slots=True)
class Saved:
    """A result that shall become files."""

    value: Any
    form: str
    options: Mapping[str, Any]


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


def run_graph(request: RunRequest, report: Report = silent) -> RunResult:
    """Run a graph and write its results.

    Raises:
        ProcessError: A process failed; the message names its node.
        OutputError: A result is there already, or cannot be written.
        S2KitError: As the files or services that are read say.
    """
    from s2kit.openeo.metadata import write_metadata

    ensure_folder(request.folder)
    metadata = request.metadata
    if not (request.overwrite or request.resume):
        refuse_existing(metadata)
    with output_lock(metadata):
        session = _Session(request, report)
        value = session.evaluate()
        paths = session.write()
        write_metadata(metadata, request.graph, paths, session.written, session.sources)
        return RunResult(paths=tuple(paths), metadata=metadata, value=value)


def dry_run(request: RunRequest, report: Report = silent) -> list[Load]:
    """What a graph would load; no pixel is read.

    Raises:
        S2KitError: See `run_graph`.
    """
    session = _Session(request, report)
    session.evaluate()
    return session.loads


def evaluate(request: RunRequest, report: Report = silent) -> list[Saved]:
    """The results of a graph in memory, lazy, for callers that write them themselves.

    Raises:
        S2KitError: See `run_graph`.
    """
    session = _Session(request, report)
    session.evaluate()
    return session.saved


class _Session:
    """One run: what was loaded and saved."""

    def __init__(self, request: RunRequest, report: Report) -> None:
        self.request = request
        self.report = report
        self.loads: list[Load] = []
        self.saved: list[Saved] = []
        self.written: list[Any] = []

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for load in self.loads for one in load.sources))

    def evaluate(self) -> Any:
        from s2kit.openeo.execute import plan

        try:
            from s2kit.openeo.processes.registry import pure_processes
        except ImportError as error:
            raise ConfigError(f"process graphs need {error.name}", INSTALL) from error
        own: dict[str, Callable[..., Any]] = {
            "load_collection": self.load_collection,
            "load_stac": self.load_stac,
            "save_result": self.save_result,
        }
        planned = plan(self.request.graph.nodes, {**pure_processes(), **own})
        try:
            value = planned.run(self.request.parameters)
        except ImportError as error:
            raise ConfigError(f"process graphs need {error.name}", INSTALL) from error
        if not self.saved:
            self.saved.append(Saved(value, self.request.form or _usual_form(value), {}))
        return value

    def load_collection(
        self,
        id: str,
        spatial_extent: Any = None,
        temporal_extent: Any = None,
        bands: Any = None,
        properties: Any = None,
    ) -> Any:
        wanted = wanted_of(spatial_extent, temporal_extent, bands, properties)
        loaded = self.request.catalogue.get(id).load(wanted, self.report)
        cube = loaded.cube
        self.loads.append(
            Load(
                collection=id,
                dims=",".join(map(str, cube.dims)),
                shape=tuple(cube.shape),
                values=cube.size,
                sources=loaded.sources,
            )
        )
        total = sum(one.values for one in self.loads)
        if total > self.request.max_px:
            text = f"{total:,} values would be loaded, {self.request.max_px:,} are allowed"
            hint = "take a smaller extent or fewer bands, or allow more with --max-px"
            raise GraphError.of([Problem("ProcessGraphComplexity", text, hint=hint)])
        return cube

    def load_stac(
        self,
        url: str,
        spatial_extent: Any = None,
        temporal_extent: Any = None,
        bands: Any = None,
        properties: Any = None,
    ) -> Any:
        return self.load_collection(url, spatial_extent, temporal_extent, bands, properties)

    def save_result(self, data: Any, format: str, options: Any = None) -> bool:
        self.saved.append(Saved(data, self.request.form or format, options or {}))
        return True

    def write(self) -> list[Path]:
        from s2kit.openeo.blocks import computed_cube
        from s2kit.openeo.formats import Writing, find_format, is_cube

        paths: list[Path] = []
        for number, one in enumerate(self.saved, 1):
            name = self.request.name if len(self.saved) == 1 else f"{self.request.name}_{number}"
            form = find_format(one.form)
            history = f"s2kit {__version__}"
            overwrite = self.request.overwrite or self.request.resume
            writing = Writing(options=one.options, overwrite=overwrite, history=history)
            path = self.request.folder / name
            if not is_cube(one.value):
                paths += _files(form, path, one.value, writing)
                self.written.append(None)
                continue
            with computed_cube(
                one.value,
                self.request.folder / f".{name}.blocks",
                {"graph": self.request.graph.nodes, "parameters": _texts(self.request.parameters), "of": self.sources},
                jobs=self.request.jobs,
                resume=self.request.resume,
                report=self.report,
            ) as cube:
                self._remark_empty(cube, name)
                paths += _files(form, path, cube, writing)
                self.written.append(cube.isel({dim: slice(0, 2) for dim in cube.dims}).copy(deep=True))
                self.written[-1].attrs["whole"] = {str(dim): cube[dim].values for dim in cube.dims}
        return paths

    def _remark_empty(self, cube: Any, name: str) -> None:
        import numpy as np

        if cube.dtype.kind == "f" and cube.size:
            flat = cube.data.reshape(cube.shape[0], -1) if cube.ndim > 1 else cube.data.reshape(1, -1)
            if not any(np.isfinite(row).any() for row in flat):
                self.report(Note(f"{name}: every pixel is no data", warning=True))


def _files(form: Any, path: Path, value: Any, writing: Any) -> list[Path]:
    try:
        made: list[Path] = form.write(path, value, writing)
    except ImportError as error:
        raise ConfigError(f"{form.name} needs {error.name}", INSTALL) from error
    return made


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _usual_form(value: Any) -> str:
    from s2kit.openeo.formats import is_cube, is_vector

    return "netCDF" if is_cube(value) and not is_vector(value) else "JSON"


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
