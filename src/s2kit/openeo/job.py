"""What a batch job is: its record, its states, its limits, the command that does its work. Computes only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from s2kit.errors import InputError

SECRET_KEYS = frozenset(("login", "password", "passwd", "access_token", "client_secret"))
"""Keys whose values are never stored nor logged; `Login` is part of the GeoSoftII dialect."""
MAX_DEPTH = 200
"""How deep JSON from outside may be nested; writers of JSON give up at 254."""


class JobState(StrEnum):
    """The states of openEO's batch jobs."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def is_busy(self) -> bool:
        """True while the job waits for its turn or is at work."""
        return self in {JobState.QUEUED, JobState.RUNNING}


class JobKind(StrEnum):
    """Which verb does the work."""

    OPENEO = "openeo"
    RENDER = "render"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What one job may use; 0 means no bound."""

    seconds: float = 0.0
    """Wall time."""
    memory_bytes: int = 0
    """Resident memory of all processes of the job together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What is needed to make a job."""

    body: Any
    """A process graph in any of its envelopes (`openeo`), or a batch of pictures (`render`)."""
    kind: JobKind = JobKind.OPENEO
    title: str | None = None
    description: str | None = None
    owner: str = ""
    """Whose job it is; empty on the command line."""
    words: tuple[str, ...] = ()
    """Options for the verb, as they would be typed: `--collection`, `SST=/data/sst`."""
    folder: str = "."
    """Folder where the verb runs, whose `settings.toml` counts."""
    limits: JobLimits = field(default_factory=JobLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is in the store."""

    id: str
    number: int
    """Counts the jobs of the store from 1."""
    kind: JobKind
    state: JobState
    created: str
    """RFC 3339, UTC, as all times here."""
    updated: str
    title: str | None = None
    description: str | None = None
    owner: str = ""
    started: str | None = None
    ended: str | None = None
    message: str | None = None
    """Why it ended in `error` or `canceled`."""
    exit_code: int | None = None
    """Of the verb; None while it has not ended by itself."""
    pid: int | None = None
    """Process and session of a running job."""
    runs: int = 0
    """How often it was started."""
    peak_memory_bytes: int | None = None
    """Largest resident memory of all processes of the last run together; None if it was not measured."""
    words: tuple[str, ...] = ()
    folder: str = "."
    limits: JobLimits = field(default_factory=JobLimits)
    may_pay: bool | None = None
    """Whether it may read archives that bill their readers; None if the settings decide."""
    body: Any = field(default=None, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lie over the environment of its verb."""
        return {} if self.may_pay is None else {"S2KIT_ALLOW_REQUESTER_PAYS": str(self.may_pay).lower()}

    def record(self, *, full: bool = True) -> dict[str, Any]:
        """As openEO's job metadata, with a few keys more; `full` adds the process, the options and the limits."""
        entry: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind.value,
            "status": self.state.value,
            "title": self.title,
            "created": self.created,
            "updated": self.updated,
            "started": self.started,
            "ended": self.ended,
            "message": self.message,
        }
        if full:
            entry |= {
                "description": self.description,
                "exit_code": self.exit_code,
                "runs": self.runs,
                "peak_memory_bytes": self.peak_memory_bytes,
                "options": list(self.words),
                "folder": self.folder,
                "max_seconds": self.limits.seconds,
                "max_memory_bytes": self.limits.memory_bytes,
                "process" if self.kind is JobKind.OPENEO else "batch": process_of(self.body)
                if self.kind is JobKind.OPENEO
                else self.body,
            }
        return entry


def process_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The process of a job's body: `{process_graph, …}`, whatever envelope it came in."""
    if isinstance(body.get("process"), Mapping):
        return dict(body["process"])
    if "process_graph" in body:
        return {key: value for key, value in body.items() if key not in {"title", "description"}}
    return {"process_graph": body}


def without_secrets(body: Any) -> Any:
    """A copy of a JSON value without the entries whose names say that they are secret (`Login`)."""
    top: list[Any] = [None]
    todo: list[tuple[Any, Any, Any]] = [(top, 0, body)]
    while todo:
        parent, place, value = todo.pop()
        if isinstance(value, Mapping):
            made: Any = {}
            todo += [(made, key, item) for key, item in reversed(list(value.items())) if key.lower() not in SECRET_KEYS]
        elif isinstance(value, list):
            made = [None] * len(value)
            todo += [(made, at, item) for at, item in enumerate(value)]
        else:
            made = value
        parent[place] = made
    return top[0]


def read_body(text: str | bytes, label: str, *, lists: bool = False) -> Any:
    """A JSON object from outside.

    Args:
        text: What was read.
        label: What messages call it.
        lists: True if a list is good too.

    Raises:
        InputError: It is not JSON, nested too deeply, or no object.
    """
    import orjson

    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{label}: not JSON: {error}") from error
    if not isinstance(body, (dict, list) if lists else dict):
        raise InputError(f"{label}: a JSON object is expected, not {type(body).__name__}")
    if (depth := _depth(body)) > MAX_DEPTH:
        raise InputError(f"{label}: nested {depth} deep, {MAX_DEPTH} is the most", "take the nesting apart")
    return body


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        deepest += 1
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
    return deepest


def compact(value: Any) -> bytes:
    """JSON text for the store."""
    import orjson

    return orjson.dumps(value)
