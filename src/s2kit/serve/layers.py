"""What a layer of a web map shows: a product, or a time of a cube, opened once and remembered."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from s2kit.cube import meaning
from s2kit.cube.views import ROOT, cube_picture, is_cube, open_cube, subject_of
from s2kit.errors import NotFoundError, UsageError
from s2kit.openeo.errors import JobNotFoundError
from s2kit.picture.levels import KeptLevels
from s2kit.picture.read import Reading
from s2kit.picture.stretch import parse_stretch
from s2kit.product.ref import ProductRef
from s2kit.render.picture import Picture, count_band
from s2kit.render.plan import Refused
from s2kit.render.request import RenderRequest
from s2kit.render.run import plan_all
from s2kit.serve.names import checked_word, contained
from s2kit.serve.state import State
from s2kit.serve.users import User
from s2kit.settings import Settings

_KEPT = 64
"""Layers that a process remembers."""
SUFFIX = ".zarr"


@dataclass(frozen=True, slots=True)
class LayerView:
    """What a client asks for."""

    name: str
    """A product, a cube, or a job with a cube."""
    bands: str | None = None
    index: str | None = None
    recipe: str | None = None
    stretch: str | None = None
    time: str | None = None
    """Of a cube."""

    @property
    def query(self) -> str:
        """The part of an address that names it."""
        names = ("bands", "index", "recipe", "stretch", "time")
        given = {name: value for name in names if (value := getattr(self, name))}
        return urlencode(given, safe=",:%")


@dataclass(frozen=True, slots=True)
class Shown:
    """A layer that is open."""

    name: str
    picture: Picture
    """With its limits."""
    times: tuple[str, ...] = ()
    """Of a cube, ISO 8601 in UTC, ascending."""


@dataclass(frozen=True, slots=True)
class _Key:
    """What two requests have in common that see the same."""

    view: LayerView
    dataset: Path
    may_pay: bool
    cube: tuple[Path, int] | None
    """Where a cube is, and when it was last changed, in nanoseconds."""


class _Layers:
    """The last layers that were used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Shown] = OrderedDict()

    def get(self, key: _Key, settings: Settings) -> Shown:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = _open_product(key.view, settings) if key.cube is None else _open_cube(key.view, key.cube[0], settings)
        with self._lock:
            self._known[key] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


_layers = _Layers()
_kept_levels = KeptLevels()


def shown(view: LayerView, state: State, user: User) -> Shown:
    """The layer that a user asks for; reading what the limits of its stretch need takes a moment the first time.

    Raises:
        InputError: The name cannot be one, or there is no such band, index or recipe.
        NotFoundError: There is no such product, cube, layer or time.
    """
    checked_word(view.name)
    settings = state.loaded_for(user).settings
    path = _cube_of(view.name, settings.dataset, state, user)
    cube = None if path is None else (path, (path / ROOT).stat().st_mtime_ns)
    return _layers.get(_Key(view, settings.dataset, settings.allow_requester_pays, cube), settings)


def cubes_in(dataset: Path) -> list[str]:
    """The names of the Zarr cubes in a dataset folder, sorted."""
    return sorted(path.name for path in dataset.glob(f"*{SUFFIX}") if is_cube(path)) if dataset.is_dir() else []


def cubes_of_job(state: State, job_id: str) -> list[str]:
    """The names of the Zarr cubes among the results of a job, sorted."""
    return cubes_in(state.jobs.results_folder(job_id))


def _cube_of(name: str, dataset: Path, state: State, user: User) -> Path | None:
    """Where a cube is; None if the name is none of a cube.

    Raises:
        NotFoundError: The job has no such cube, or several and none is named.
    """
    job, _, file = name.partition("@")
    if job.startswith("j-"):
        return _cube_of_job(job, file, state, user)
    for one in (name, f"{name}{SUFFIX}"):
        if (dataset / one / ROOT).is_file() and is_cube(path := contained(dataset, one)):
            return path
    return None


def _cube_of_job(job_id: str, file: str, state: State, user: User) -> Path:
    try:
        state.jobs.get(job_id, user.name)
    except JobNotFoundError as error:
        raise NotFoundError(f"there is no job {job_id}") from error
    there = cubes_of_job(state, job_id)
    if file and file not in there:
        raise NotFoundError(f"job {job_id} has no cube {file}", f"it has {', '.join(there) or 'none'}")
    if not file and len(there) != 1:
        hint = f"name one: {job_id}@{there[0]}" if there else "save_result with the format Zarr makes one"
        raise NotFoundError(f"job {job_id} has {len(there)} cubes", hint)
    return contained(state.jobs.results_folder(job_id), file or there[0])


def _open_cube(view: LayerView, path: Path, settings: Settings) -> Shown:
    cube = open_cube(path)
    picture = cube_picture(
        cube,
        cube.position(view.time),
        subject=subject_of(cube, bands=view.bands, index=view.index, recipe=view.recipe),
        stretch=parse_stretch(view.stretch or "auto"),
        reading=Reading(settings.openjpeg, settings.kept_in),
    )
    return Shown(view.name, _with_limits(picture), tuple(meaning.iso(one) for one in cube.times))


def _open_product(view: LayerView, settings: Settings) -> Shown:
    if view.time is not None:
        raise UsageError(f"time: {view.name} is no cube", "leave time out, or name a cube of the dataset folder")
    request = RenderRequest.parse(
        [ProductRef(view.name)],
        bands=[view.bands] if view.bands else None,
        index=[view.index] if view.index else None,
        recipe=[view.recipe] if view.recipe else None,
        stretch=view.stretch,
        form="png",
        jobs=1,
    )
    planned = plan_all(request, settings)[0]
    if isinstance(planned, Refused):
        raise planned.error
    reading = replace(planned.picture.reading, levels=_kept_levels)
    return Shown(view.name, _with_limits(replace(planned.picture, reading=reading)))


def _with_limits(picture: Picture) -> Picture:
    if not picture.look.needs_counts:
        return picture
    return picture.painted_with([[count_band(picture, place)] for place in range(len(picture.sources))])
