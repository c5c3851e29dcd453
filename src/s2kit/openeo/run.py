"""Running a graph: from its text to files and what describes them. Touches files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2kit.openeo.collections.base import wanted_of
from s2kit.openeo.errors import GraphError, Problem, extra_needed
from s2kit.openeo.metadata import times_of, write_metadata
from s2kit.openeo.request import RunRequest
from s2kit.run.events import Note, Report, silent
from s2kit.run.files import ensure_folder, refuse_existing
from s2kit.run.locks import output_lock
from s2kit.version import __version__


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
    times: tuple[str, ...] = ()
    """First and last, in ISO 8601; empty if it has none."""

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


@extra_needed()
def run_graph(request: RunRequest, report: Report = silent) -> RunResult:
    """Run a graph and write its results.

    Raises:
        ProcessError: A process failed; the message names its node.
        OutputError: A result is there already, or cannot be written.
        S2KitError: As the files or services that are read say.
    """
    ensure_folder(request.folder)
    metadata = request.metadata
    if not (request.overwrite or request.resume):
        refuse_existing(metadata)
    with output_lock(metadata):
        session = _Session(request, report)
        value = session.evaluate()
        paths = session.write()
        write_metadata(metadata, request.graph, paths, session.written, session.sources, session.times)
        return RunResult(paths=tuple(paths), metadata=metadata, value=value)


@extra_needed()
def dry_run(request: RunRequest, report: Report = silent) -> list[Load]:
    """What a graph would load; no pixel is read.

    Raises:
        S2KitError: See `run_graph`.
    """
    session = _Session(request, report)
    session.evaluate()
    return session.loads


@extra_needed()
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

    @property
    def times(self) -> tuple[str, ...]:
        return tuple(one for load in self.loads for one in load.times)

    def evaluate(self) -> Any:
        from s2kit.openeo.execute import plan
        from s2kit.openeo.processes.registry import pure_processes

        own: dict[str, Callable[..., Any]] = {
            "load_collection": self.load_collection,
            "load_stac": self.load_stac,
            "save_result": self.save_result,
        }
        planned = plan(self.request.graph.nodes, {**pure_processes(), **own})
        value = planned.run(self.request.parameters)
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
                times=tuple(times_of({dim: cube[dim].values for dim in cube.dims})),
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
                paths += form.write(path, one.value, writing)
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
                paths += form.write(path, cube, writing)
                self.written.append(cube.isel({dim: slice(0, 2) for dim in cube.dims}).copy(deep=True))
                self.written[-1].attrs["whole"] = {str(dim): cube[dim].values for dim in cube.dims}
        return paths

    def _remark_empty(self, cube: Any, name: str) -> None:
        import numpy as np

        if cube.dtype.kind == "f" and cube.size:
            flat = cube.data.reshape(cube.shape[0], -1) if cube.ndim > 1 else cube.data.reshape(1, -1)
            if not any(np.isfinite(row).any() for row in flat):
                self.report(Note(f"{name}: every pixel is no data", warning=True))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _usual_form(value: Any) -> str:
    from s2kit.openeo.formats import is_cube, is_vector

    return "netCDF" if is_cube(value) and not is_vector(value) else "JSON"
