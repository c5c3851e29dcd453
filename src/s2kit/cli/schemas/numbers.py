"""Schemas of parcels, of process graphs and of batch jobs. Pure."""

from s2kit.cli.schemas.model import Document, Listing
from s2kit.cli.schemas.parts import (
    Schema,
    anything,
    closed,
    exactly,
    flag,
    geometry,
    listed,
    mapped,
    maybe,
    number,
    one_of,
    opened,
    percent,
    text,
    time,
    whole,
)
from s2kit.cli.schemas.pictures import CLOUD_HERE, PLACES, SCL_COUNTS
from s2kit.openeo.job import JobKind, JobState

_VALUE = "in reflectance (0 to 1) or the index's unit; digital numbers with --dn"

STATS = Listing(
    name="stats",
    about="Numbers of parcels, by `s2kit stats`: one record for each parcel, product and layer.",
    properties={
        "pid": text("Id of the parcel."),
        "id": text("Name of the product."),
        "datetime": time("Start of sensing."),
        "level": text("Processing level."),
        "tile": text("MGRS tile, or path and row of Landsat."),
        "layer": text("SCL, a band or an index."),
        "pixels": whole("Pixels whose centre is in the parcel."),
        "covered_pct": percent("Share of the parcel inside the product's footprint, in percent."),
        "seen_pct": maybe(percent("Share of the pixels that have data, in percent.")),
        "clear_pct": maybe(percent("Clear pixels among those that SCL knows, in percent.")),
        "cloud_pct": CLOUD_HERE,
        "histogram": maybe(SCL_COUNTS),
        "count": maybe(whole("Pixels with a value; null for SCL.")),
        "mean": maybe(number(f"Mean, {_VALUE}.")),
        "std": maybe(number(f"Standard deviation of the population, {_VALUE}.", 0)),
        "min": maybe(number(f"Smallest value, {_VALUE}.")),
        "max": maybe(number(f"Largest value, {_VALUE}.")),
        "p25": maybe(number(f"25th percentile, {_VALUE}.")),
        "p50": maybe(number(f"Median, {_VALUE}.")),
        "p75": maybe(number(f"75th percentile, {_VALUE}.")),
        "geometry": geometry("Outline of the parcel; only in GeoJSON."),
    },
    optional=("geometry",),
)

STATS_CLEAR = Listing(
    name="stats-clear",
    about="Products in which the parcels are clear, by `s2kit stats --clear`.",
    command="stats",
    properties={
        "id": text("Name of the product."),
        "datetime": time("Start of sensing."),
        "level": text("Processing level."),
        "tile": text("MGRS tile, or path and row of Landsat."),
        "source": text("Folder, zip or address of the product."),
        "s2kit:locations": mapped(text("Address or path."), "The same, by the name of the archive."),
        "geometry": geometry("Footprint."),
        **PLACES,
    },
)

_TEXT_OR_NUMBER: Schema = {"type": ["string", "number", "null"]}
_PARCEL: dict[str, Schema] = {
    "pid": text("Id of the parcel."),
    "cropname": _TEXT_OR_NUMBER | {"description": "Name of the crop."},
    "cropcode": _TEXT_OR_NUMBER | {"description": "Code of the crop."},
    "srid": maybe(whole("EPSG code of the file, or 4326 with --wgs84.")),
    "area": maybe(number("Area in square metres.", 0)),
    "clon": number("Longitude of the centroid in degrees.", -180, 180),
    "clat": number("Latitude of the centroid in degrees.", -90, 90),
    "geom": text("Outline as GeoJSON text, in the CRS that `srid` names."),
}

PARCELS = Listing(
    name="parcels",
    about="Parcels of a file, by `s2kit parcels`.",
    properties={**_PARCEL, "geometry": geometry("Outline.")},
    optional=("geom", "geometry"),
)

PARCELS_LISTS = Document(
    name="parcels-lists",
    about="Parcels as parallel lists, by `s2kit parcels --lists`, as the legacy service answered.",
    body=closed(
        {key: listed(one, "One entry a parcel, in the same order in every list.") for key, one in _PARCEL.items()},
        optional=("geom",),
    ),
)

_LINKS = listed(anything("A link."), "Links of the openEO API; none.")
_COLLECTION: dict[str, Schema] = {
    "id": text("Name of the collection."),
    "title": maybe(text("Title.")),
    "description": text("Description, or why it cannot be read."),
    "s2kit:unavailable": flag("True if it cannot be read."),
}
_PROCESS: dict[str, Schema] = {
    "id": text("Name of the process."),
    "summary": text("What it does, in one line."),
    "description": text("What it does."),
    "parameters": listed(anything("A parameter."), "What it takes."),
    "returns": anything("What it returns."),
}

COLLECTIONS = Listing(
    name="collections",
    about="Collections that graphs may load, by `s2kit collections`, as the openEO API lists them.",
    properties=_COLLECTION,
    optional=("title", "s2kit:unavailable"),
    is_open=True,
    whole=closed(
        {
            "collections": listed(
                opened(_COLLECTION, "A STAC collection.", required=["id", "description"]), "Collections."
            ),
            "links": _LINKS,
        }
    ),
)

COLLECTION = Listing(
    name="collection",
    about="The STAC description of a collection, by `s2kit collections ID`.",
    command="show",
    properties=_COLLECTION,
    optional=("title", "s2kit:unavailable"),
    is_open=True,
    whole=opened({**_COLLECTION, "type": exactly("Collection")}, "A STAC collection.", required=["id", "description"]),
)

PROCESSES = Listing(
    name="processes",
    about="Processes that graphs may use, by `s2kit processes`, as the openEO API lists them.",
    properties=_PROCESS,
    is_open=True,
    whole=closed(
        {
            "processes": listed(opened(_PROCESS, "A process of openEO.", required=list(_PROCESS)), "Processes."),
            "links": _LINKS,
        }
    ),
)

PROCESS = Listing(
    name="process",
    about="The official description of a process, by `s2kit processes ID`.",
    command="show",
    properties=_PROCESS,
    is_open=True,
    whole=opened(_PROCESS, "A process of openEO.", required=list(_PROCESS)),
)

VALIDATE = Listing(
    name="validate",
    about="Problems of a process graph, by `s2kit validate`.",
    properties={
        "code": text("Code of the openEO API."),
        "node": maybe(text("Node of the graph.")),
        "argument": maybe(text("Argument of the node.")),
        "message": text("What is wrong."),
        "hint": maybe(text("How to mend it.")),
    },
)

_JOB: dict[str, Schema] = {
    "id": text("Id of the job."),
    "kind": one_of(JobKind, "Verb that does the work."),
    "status": one_of(JobState, "State of the job, as the openEO API calls it."),
    "title": maybe(text("Title.")),
    "created": time("When the job was made."),
    "updated": time("When the job last changed."),
    "started": maybe(time("When it last began.")),
    "ended": maybe(time("When it last ended.")),
    "message": maybe(text("Why it ended in error or was canceled.")),
}

JOBS = Listing(name="jobs", about="Batch jobs, by `s2kit jobs list` and `s2kit jobs start`.", properties=_JOB)

JOBS_SHOW = Listing(
    name="jobs-show",
    about="Everything about a job, by `s2kit jobs show`.",
    command="jobs",
    properties={
        **_JOB,
        "description": maybe(text("Description.")),
        "exit_code": maybe(whole("Exit code of the verb; null until it has ended by itself.", None)),
        "runs": whole("How often the job was started."),
        "peak_memory_bytes": maybe(whole("Largest memory of the last run in bytes; null if it was not measured.")),
        "options": listed(text("Word."), "Options for the verb."),
        "folder": text("Folder where the verb runs."),
        "max_seconds": number("Limit of wall time in seconds; 0 for none.", 0),
        "max_memory_bytes": whole("Limit of memory in bytes; 0 for none."),
        "process": anything("The process graph in its envelope."),
        "batch": anything("The batch of pictures."),
    },
    optional=("process", "batch"),
)

JOBS_LOGS = Listing(
    name="jobs-logs",
    about="The log of a job, by `s2kit jobs logs`.",
    command="jobs",
    properties={
        "id": text("Number of the line, from 1."),
        "level": one_of(("error", "warning", "info", "debug"), "How serious it is."),
        "time": time("When it was written."),
        "message": text("The line."),
    },
)

JOBS_RESULTS = Listing(
    name="jobs-results",
    about="Files that a job made, by `s2kit jobs results`.",
    command="jobs",
    properties={"job": text("Id of the job."), "path": text("Path of the file.")},
)

OUTPUTS = (
    *(STATS, STATS_CLEAR, PARCELS, PARCELS_LISTS, COLLECTIONS, COLLECTION, PROCESSES, PROCESS, VALIDATE),
    *(JOBS, JOBS_SHOW, JOBS_LOGS, JOBS_RESULTS),
)
