"""`/query/chips…` and `/query/rawChip…`: series of small pictures and of raw cut-outs, in the shape of the JRC service.

Files are fetched at `/static/tmp/SECRET/NAME` without a login, since the service's clients send none there.
"""

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from s2kit.chips import ChipsMade, ChipsRequest, make_chips, plan
from s2kit.errors import InputError, NotFoundError
from s2kit.openeo.job import read_body
from s2kit.run.events import Report
from s2kit.serve.answers import ApiError
from s2kit.serve.login import BASIC_LOGIN, basic_user
from s2kit.serve.names import checked_word
from s2kit.serve.parcels import parcels_of
from s2kit.serve.state import State, state_of
from s2kit.settings import Loaded

router = APIRouter(prefix="/query", tags=["chips"], dependencies=BASIC_LOGIN)

COLUMNS = 8
"""Chips in a row of the page."""
_BATCH_KEYS = ("lon", "lat", "tiles", "bands", "chipsize")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_OFFERED = ("parcelPeers", "parcelTimeSeries", "weatherTimeSeries", "backgroundByLocation", "backgroundByParcelID",
                "rawS1ChipsBatch")  # fmt: skip


@router.get("/chipsByLocation", response_class=HTMLResponse)
async def chips_by_location(
    request: Request,
    lon: float,
    lat: float,
    start_date: str,
    end_date: str,
    lut: str = "5_95",
    bands: str = "B08_B04_B03",
    plevel: str = "LEVEL2A",
) -> Response:
    """A page with a picture for each date."""
    series = _Series(request, start_date, end_date, plevel, bands=bands, stretch=_lut(lut))
    return await _page(series, lon, lat)


@router.get("/chipsByParcelID", response_class=HTMLResponse)
async def chips_by_parcel(
    request: Request,
    aoi: str,
    pid: str,
    start_date: str,
    end_date: str,
    year: int | None = None,
    ptype: str = "",
    lut: str = "5_95",
    bands: str = "B08_B04_B03",
    plevel: str = "LEVEL2A",
) -> Response:
    """The same around the centre of a parcel."""
    series = _Series(request, start_date, end_date, plevel, bands=bands, stretch=_lut(lut))
    return await _page(series, *_centre(series.loaded, aoi, year, ptype, pid))


@router.get("/rawChipByLocation")
async def raw_chips_by_location(
    request: Request,
    lon: float,
    lat: float,
    start_date: str,
    end_date: str,
    band: str = "B08",
    chipsize: float = 1280,
    plevel: str = "LEVEL2A",
    onlylist: str = "",
) -> Response:
    """GeoTIFFs of one band, one a date; `chipsize` in metres."""
    series = _Series(request, start_date, end_date, plevel, bands=band, chipsize=chipsize, raw=True)
    return await _raw(series, lon, lat, only_list=onlylist == "True")


@router.get("/rawChipByParcelID")
async def raw_chips_by_parcel(
    request: Request,
    aoi: str,
    pid: str,
    start_date: str,
    end_date: str,
    year: int | None = None,
    ptype: str = "",
    band: str = "B08",
    chipsize: float = 1280,
    plevel: str = "LEVEL2A",
    onlylist: str = "",
) -> Response:
    """The same around the centre of a parcel."""
    series = _Series(request, start_date, end_date, plevel, bands=band, chipsize=chipsize, raw=True)
    return await _raw(series, *_centre(series.loaded, aoi, year, ptype, pid), only_list=onlylist == "True")


@router.post("/rawChipsBatch")
async def raw_chips_batch(request: Request) -> Response:
    """GeoTIFFs of several bands of named products: exactly `lon`, `lat`, `tiles`, `bands`, `chipsize`."""
    user, state = basic_user(request), state_of(request)
    body = read_body(await request.body(), "the body")
    for key in body:
        if key not in _BATCH_KEYS:
            return JSONResponse({"error": f"{key} not allowed as key"}, 400)
    if len(body) != len(_BATCH_KEYS):
        return JSONResponse({"error": f"{len(body)} parameters supplied, {len(_BATCH_KEYS)} required"}, 400)
    tiles = body["tiles"]
    if not isinstance(tiles, list) or not all(isinstance(tile, str) for tile in tiles):
        raise InputError("tiles: a list of product names is expected")
    for tile in tiles:
        checked_word(tile)
    loaded = state.loaded_for(user)
    place = state.shelf.new()
    file = place / ".batch.json"
    file.write_text(json.dumps(body), encoding="utf-8")

    def work(report: Report) -> ChipsMade:
        return make_chips(ChipsRequest.parse(loaded, report, batch=file), place / "chips", report=report)

    return JSONResponse(_listing(await _worked(request, work, state.options.limits.batch_chips), state))


def _not_offered(request: Request) -> Response:
    """An endpoint of the JRC service that needs its database or other companies' pictures."""
    basic_user(request)
    raise ApiError(501, "FeatureUnsupported", "this service does not offer that")


for _name in _NOT_OFFERED:
    router.add_api_route(f"/{_name}", _not_offered, methods=["GET", "POST"], include_in_schema=False)


class _Series:
    """What a series is asked with, checked."""

    def __init__(self, request: Request, start: str, end: str, plevel: str, **options: Any) -> None:
        state = state_of(request)
        self.request, self.state = request, state
        self.loaded = state.loaded_for(basic_user(request))
        for name, day in (("start_date", start), ("end_date", end)):
            if not _DAY.fullmatch(day):
                raise InputError(f"{name} {day[:40]!r} is no date", "write it as 2020-04-01")
        size = options.get("chipsize", 1280)
        if not 0 < size <= state.options.limits.chip_side_m:
            raise InputError(f"chipsize {size:g} is not between 0 and {state.options.limits.chip_side_m:g} m")
        self.options = {"start": start, "end": end, "level": plevel, **options}

    def parsed(self, lon: float, lat: float, report: Report) -> ChipsRequest:
        """The request at a place; products are searched."""
        return ChipsRequest.parse(self.loaded, report, lon=lon, lat=lat, **self.options)


async def _page(series: _Series, lon: float, lat: float) -> Response:
    place = series.state.shelf.new()

    def work(report: Report) -> ChipsMade:
        return make_chips(series.parsed(lon, lat, report), place / "chips", report=report)

    made = await _worked(series.request, work, series.state.options.limits.chips)
    listing = _listing(made, series.state)
    failed = [f"{product}: {error.message}" for product, error in made.result.failures.items()]
    return HTMLResponse(_table(listing.get("dates", []), listing.get("chips", []), failed))


async def _raw(series: _Series, lon: float, lat: float, *, only_list: bool) -> Response:
    if only_list:

        def looked(report: Report) -> list[str]:
            planned = plan(series.parsed(lon, lat, report))
            return [f"{choice.product.id}.SAFE" for one in planned for choice in one.choices]

        found = await series.state.work.run(series.request, looked)
        return JSONResponse({"chips": found} if found else {})
    place = series.state.shelf.new()

    def work(report: Report) -> ChipsMade:
        return make_chips(series.parsed(lon, lat, report), place / "chips", report=report)

    made = await _worked(series.request, work, series.state.options.limits.chips)
    return JSONResponse(_listing(made, series.state))


async def _worked(request: Request, work: Callable[[Report], ChipsMade], most: int) -> ChipsMade:
    """What was made.

    Raises:
        ApiError: More chips than one request may have.
        S2KitError: Why not a single one could be made, if products failed.
    """
    try:
        made = await state_of(request).work.run(request, work)
    except InputError as error:
        if "new chips" in error.message:
            raise ApiError(413, "TooManyChips", f"{error.message}; {most} are the most of one request") from error
        raise
    if made.result.failures and not made.count:
        raise next(iter(made.result.failures.values()))
    return made


def _listing(made: ChipsMade, state: State) -> dict[str, list[str]]:
    """`dates` and `chips`, parallel; nothing if there are none."""
    if made.output is None or not made.count:
        return {}
    paths = [Path(path).relative_to(state.shelf.folder).as_posix() for path in made.output.listing["chips"]]
    return {"dates": made.output.listing["dates"], "chips": [f"/static/tmp/{path}" for path in paths]}


def _centre(loaded: Loaded, aoi: str, year: int | None, ptype: str, pid: str) -> tuple[float, float]:
    found = parcels_of(loaded, aoi, year, ptype, pid=pid)
    if not found:
        raise NotFoundError(f"there is no parcel {pid[:40]!r}")
    return found[0].centre


def _lut(text: str) -> str | None:
    """The scale; the service's own Python package sends the word None for the default."""
    return None if text in {"", "None"} else text


def _table(dates: list[str], chips: list[str], failed: list[str]) -> str:
    """The page as the JRC service wrote it: a table of 8 columns, the stamp below each picture; then what failed."""
    cells = [
        f'<td><label><img id = "{escape(stamp)}" src="{escape(path)}"/><br/>{escape(stamp)}</label></td>'
        for stamp, path in zip(dates, chips, strict=True)
    ]
    rows = ["".join(cells[at : at + COLUMNS]) for at in range(0, len(cells), COLUMNS)]
    body = "".join(f"<tr>{row}</tr>" for row in rows) or "<tr><td>no chips</td></tr>"
    notes = "".join(f"<p>failed: {escape(line)}</p>" for line in failed)
    head = '<head><meta charset="utf-8"><title>Chips</title></head>'
    return f'<!DOCTYPE html><html lang="en">{head}<body><table>{body}</table>{notes}</body></html>'
