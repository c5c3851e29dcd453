"""Pages for people: what there is, what runs, what came out. Written on the server, without scripts or other hosts."""

from html import escape
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

from s2kit.archive.dataset import products_in
from s2kit.catalogue.record import ProductRecord
from s2kit.errors import NotFoundError
from s2kit.openeo.job import Job, JobState
from s2kit.product.safe_tree import safe_name
from s2kit.run.events import Report
from s2kit.search.map import map_page
from s2kit.search.request import SearchRequest
from s2kit.search.run import search
from s2kit.serve.layers import cubes_in, cubes_of_job
from s2kit.serve.login import any_user
from s2kit.serve.names import checked_word, contained
from s2kit.serve.state import State, state_of
from s2kit.serve.users import User
from s2kit.settings import Loaded
from s2kit.version import __version__

router = APIRouter(include_in_schema=False)

_MOST = 60
"""Products and jobs on the page."""
_MOST_LINES = 200
_STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881 }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem }
h1 { margin: 0 } h2 { margin: 2rem 0 .5rem } nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem .3rem 0;
border-bottom: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top }
.wide { overflow-x: auto }
.grid { align-items: start; display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)) }
figure { margin: 0; background: var(--soft); border-radius: .4rem; overflow: hidden }
figure img { display: block; width: 100% }
figure a { margin-right: .6rem }
figcaption { padding: .4rem .6rem; font-size: .85rem; overflow-wrap: anywhere }
.finished { color: #2a7d2a } .error { color: #c0392b } .running, .queued { color: #1f6fb2 }
pre { overflow-x: auto; background: var(--soft); padding: .6rem; border-radius: .4rem; font-size: .85rem }
"""
_NO_SCRIPTS = {"Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"}


@router.get("/")
def home(request: Request) -> Response:
    """The first page; a program that does not ask for HTML gets the text that the JPEG 2000 service answered."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("JP2 Service")
    user, state = any_user(request), state_of(request)
    root = request.scope.get("root_path", "")
    dataset = state.options.loaded.settings.dataset
    names = [safe_name(path.name) for path in products_in(dataset)] if dataset.is_dir() else []
    jobs = state.jobs.jobs(user.name, limit=_MOST)
    return _page(
        "s2kit",
        f"<p>version {__version__}; dataset {escape(dataset.name or str(dataset))}</p>"
        f"{_links(root)}<h2>Jobs</h2>{_job_table(jobs, root)}<h2>Products</h2>{_products(names, root)}"
        f"{_cubes(cubes_in(dataset), root)}",
    )


@router.get("/map")
async def dataset_map(request: Request, user: Annotated[User, Depends(any_user)]) -> Response:
    """The products of the dataset on a map."""
    state = state_of(request)
    loaded = state.loaded_for(user)
    records = await state.work.run(request, lambda report: _records(loaded, report))
    return HTMLResponse(map_page(records, ()))


@router.get("/job/{job_id}")
def job(request: Request, job_id: str) -> Response:
    """One job with its log and its results."""
    user, state = any_user(request), state_of(request)
    found = state.jobs.refreshed(checked_word(job_id), user.name)
    root = request.scope.get("root_path", "")
    return _page(
        found.title or f"Job {found.number}",
        f"<p><a href='{root}/'>all jobs</a></p>{_facts(found)}{_results(state, found, root)}{_log(state, found)}",
    )


@router.get("/result/{job_id}/{path:path}")
def result(request: Request, job_id: str, path: str) -> Response:
    """A file that a job made."""
    user, state = any_user(request), state_of(request)
    state.jobs.get(checked_word(job_id), user.name)
    file = contained(state.jobs.results_folder(job_id), path)
    if not file.is_file():
        raise NotFoundError(f"there is no {path}")
    return FileResponse(file)


def _records(loaded: Loaded, report: Report) -> list[ProductRecord]:
    found = search(SearchRequest.parse(loaded, report, catalogue="local", date="2015-01-01/.."), report)
    return list(found)


def _links(root: str) -> str:
    shown = (
        ("/map", "map of the dataset"),
        ("/openapi.json", "OpenAPI"),
        ("/api/v1/", "openEO"),
        ("/metrics", "metrics"),
    )
    links = "".join(f'<a href="{root}{path}">{text}</a>' for path, text in shown)
    return f"<nav>{links}</nav>"


def _job_table(jobs: list[Job], root: str) -> str:
    if not jobs:
        return "<p>There are no jobs yet.</p>"
    rows = "".join(
        f"<tr><td><a href='{root}/job/{escape(job.id)}'>{job.number}</a></td>"
        f"<td>{escape(job.title or job.kind.value)}</td>"
        f"<td class={job.state.value}>{job.state.value}</td><td>{escape(_time(job.started or job.created))}</td>"
        f"<td>{escape(job.message or '')}</td></tr>"
        for job in jobs
    )
    head = "<tr><th>job</th><th>what</th><th>state</th><th>since</th><th></th></tr>"
    return f"<div class=wide><table>{head}{rows}</table></div>"


def _products(names: list[str], root: str) -> str:
    if not names:
        return "<p>The dataset folder holds no product.</p>"
    figures = "".join(_layer(name, name, root) for name in names[:_MOST])
    more = f"<p>{_MOST} of {len(names)} are shown</p>" if len(names) > _MOST else ""
    return f"<div class=grid>{figures}</div>{more}"


def _cubes(names: list[str], root: str) -> str:
    figures = "".join(_layer(name, name, root) for name in names[:_MOST])
    return f"<h2>Cubes</h2><div class=grid>{figures}</div>" if names else ""


def _layer(name: str, title: str, root: str) -> str:
    """What can be put on a map: its preview, and what a GIS asks for."""
    address = f"{root}/tiles/{quote(name)}"
    return (
        f"<figure><img src='{address}/preview.png?size=256' loading=lazy alt=''><figcaption>{escape(title)}<br>"
        f"<a href='{address}/tilejson.json'>TileJSON</a> <a href='{address}/wmts.xml'>WMTS</a></figcaption></figure>"
    )


def _facts(found: Job) -> str:
    facts = [("state", found.state.value), ("made", _time(found.created)), ("started", _time(found.started)),
             ("ended", _time(found.ended)), ("message", found.message or "")]  # fmt: skip
    rows = "".join(f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in facts if text)
    return f"<table>{rows}</table>"


def _results(state: State, found: Job, root: str) -> str:
    if found.state is not JobState.FINISHED:
        return ""
    cubes = cubes_of_job(state, found.id)
    figures = [_layer(f"{found.id}@{name}", name, root) for name in cubes]
    for path in state.jobs.results(found.id):
        if path.name in cubes:
            continue
        address = f"{root}/result/{escape(found.id)}/{escape(path.name)}"
        shown = f"<img src='{address}' loading=lazy alt=''>" if path.suffix in {".png", ".jpg", ".webp"} else ""
        figures.append(f"<figure>{shown}<figcaption><a href='{address}'>{escape(path.name)}</a></figcaption></figure>")
    return f"<h2>Results</h2><div class=grid>{''.join(figures)}</div>" if figures else ""


def _log(state: State, found: Job) -> str:
    lines = state.jobs.logs(found.id)[-_MOST_LINES:]
    text = "\n".join(f"{line.time} {line.level}: {line.message}" for line in lines)
    return f"<h2>Log</h2><pre>{escape(text)}</pre>" if text else ""


def _time(text: str | None) -> str:
    return (text or "")[:19].replace("T", " ")


def _page(title: str, body: str) -> Response:
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(html, headers=_NO_SCRIPTS)
