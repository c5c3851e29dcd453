"""A small HTTP server on loopback that plays catalogues: STAC by itself, anything else from recorded answers, and faults."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


@dataclass
class Answer:
    """One answer; a fault is an answer, too."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    """Close the connection after half of the body."""
    drip_s: float = 0.0
    """Seconds between two bytes of the body."""
    wait_s: float = 0.0
    """Seconds before the first byte."""


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    params: dict[str, str]
    body: Any
    headers: dict[str, str]
    at: float


Handler = Callable[[Request], Answer]


class CatalogueServer:
    """What a test holds of a running server."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[Request] = []
        self.faults: list[Answer] = []
        """Given instead of the true answers, one a request, in order."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def searches(self) -> list[Request]:
        """The requests that asked for items."""
        return [request for request in self.requests if "search" in request.path or "Products" in request.path]

    def __enter__(self) -> "CatalogueServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _make_handler(server: CatalogueServer) -> type[BaseHTTPRequestHandler]:
    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve("GET")

        def do_HEAD(self) -> None:
            self._serve("HEAD")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(
                method,
                parts.path,
                {key: values[0] for key, values in parse_qs(parts.query).items()},
                json.loads(data) if data else None,
                dict(self.headers),
                time.monotonic(),
            )
            server.requests.append(request)
            answer = server.faults.pop(0) if server.faults else server.handler(request)
            with suppress(BrokenPipeError, ConnectionResetError):
                self._give(answer)

        def _give(self, answer: Answer) -> None:
            time.sleep(answer.wait_s)
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.reset else b"")
            self.close_connection = self.close_connection or answer.reset
            if not answer.reset:
                _pour(answer, self.wfile)

    return _Handler


def _pour(answer: Answer, out: Any) -> None:
    if not answer.drip_s:
        out.write(answer.body)
        return
    for byte in answer.body:
        out.write(bytes([byte]))
        out.flush()
        time.sleep(answer.drip_s)


@contextmanager
def stac_server(
    items: Sequence[Json],
    *,
    page_size: int | None = None,
    honours_filters: bool = False,
    conforms_to: Sequence[str] = (),
    refuses_filters: bool = False,
    wait_s: float = 0.0,
) -> Iterator[CatalogueServer]:
    """A STAC API.

    Args:
        items: What it holds.
        page_size: Largest page, whatever is asked for.
        honours_filters: False ignores `collections`, `intersects`, `datetime` and `query`, as a limited server does.
        conforms_to: Conformance classes that it tells.
        refuses_filters: True answers 400 to `query` and `fields`.
        wait_s: How long each page takes.
    """

    def handle(request: Request) -> Answer:
        if not request.path.endswith("/search"):
            return Answer(body=json.dumps(_landing(f"http://{request.headers['Host']}", conforms_to)).encode())
        asked = request.body if request.method == "POST" else request.params
        if refuses_filters and ({"query", "fields"} & asked.keys()):
            return Answer(400, b'{"code":"BadRequest","description":"no such extension"}')
        chosen = [item for item in items if not honours_filters or _honoured(item, asked)]
        size = min(int(asked.get("limit") or 10), page_size or 10_000)
        start = int(asked.get("token") or 0)
        page: Json = {
            "type": "FeatureCollection",
            "features": chosen[start : start + size],
            "numberMatched": len(chosen),
            "numberReturned": len(chosen[start : start + size]),
            "links": [],
        }
        if start + size < len(chosen):
            body = {**asked, "token": str(start + size)}
            link = {
                "rel": "next",
                "href": f"http://{request.headers['Host']}{request.path}",
                "type": "application/json",
            }
            if request.method == "POST":
                page["links"] = [{**link, "method": "POST", "body": body}]
            else:
                query = "&".join(f"{key}={value}" for key, value in {"limit": size, "token": start + size}.items())
                page["links"] = [{**link, "href": f"{link['href']}?{query}"}]
        return Answer(body=json.dumps(page).encode(), wait_s=wait_s)

    with CatalogueServer(handle) as server:
        yield server


@contextmanager
def prepared_server(count: int, page_size: int = 100, wait_s: float = 0.0) -> Iterator[CatalogueServer]:
    """A STAC API whose pages are made beforehand, so that a benchmark measures its clients.

    It takes `fields` as Earth Search does, and leaves out the assets that were not asked for.
    """
    items = [stac_item(number) for number in range(count)]
    slim = [{**item, "assets": {"tileinfo_metadata": item["assets"]["tileinfo_metadata"]}} for item in items]
    size = min(page_size, count)
    bodies = {
        is_slim: [json.dumps(some[start : start + size])[1:-1].encode() for start in range(0, count, size)]
        for is_slim, some in ((False, items), (True, slim))
    }

    def handle(request: Request) -> Answer:
        host = request.headers["Host"]
        if not request.path.endswith("/search"):
            return Answer(body=json.dumps(_landing(f"http://{host}", ())).encode())
        at, pages = int(request.body.get("token") or 0), bodies["fields" in request.body]
        link = {"rel": "next", "href": f"http://{host}{request.path}", "method": "POST"}
        links = [{**link, "body": {**request.body, "token": str(at + 1)}}] if at + 1 < len(pages) else []
        head = json.dumps({"type": "FeatureCollection", "numberMatched": count, "links": links})[:-1].encode()
        return Answer(body=head + b', "features": [' + pages[at] + b"]}", wait_s=wait_s)

    with CatalogueServer(handle) as server:
        yield server


def _landing(url: str, conforms_to: Sequence[str]) -> Json:
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "test",
        "description": "A catalogue on loopback.",
        "conformsTo": [
            "https://api.stacspec.org/v1.0.0/core",
            "https://api.stacspec.org/v1.0.0/item-search",
            *conforms_to,
        ],
        "links": [
            {"rel": "self", "href": url, "type": "application/json"},
            {"rel": "root", "href": url, "type": "application/json"},
            {"rel": "search", "href": f"{url}/search", "type": "application/geo+json", "method": "POST"},
        ],
    }


def _honoured(item: Json, asked: Json) -> bool:
    from shapely.geometry import shape

    if asked.get("collections") and item["collection"] not in asked["collections"]:
        return False
    area = asked.get("intersects")
    if area and not shape(area).intersects(shape(item["geometry"])):
        return False
    start, _, end = str(asked.get("datetime") or "../..").partition("/")
    seen = item["properties"]["datetime"]
    if (start != ".." and seen < start) or (end != ".." and seen > end):
        return False
    for name, test in (asked.get("query") or {}).items():
        value = item["properties"].get(name)
        if ("lte" in test and not (value is not None and value <= test["lte"])) or (
            "eq" in test and value != test["eq"]
        ):
            return False
    return True


@contextmanager
def recorded_server(answers: dict[str, bytes]) -> Iterator[CatalogueServer]:
    """A server that gives recorded answers by a word of their path and query; 404 for anything else.

    Args:
        answers: Bodies by a text that the path with its query contains; `{url}` in a body becomes the server's own.
    """

    def handle(request: Request) -> Answer:
        query = "&".join(f"{key}={value}" for key, value in request.params.items())
        whole = f"{request.path}?{query}"
        for word, body in answers.items():
            if word in whole:
                return Answer(body=body.replace(b"{url}", server.url.encode()))
        return Answer(404, b"{}")

    with CatalogueServer(handle) as server:
        yield server


def stac_item(number: int = 0, **changes: Any) -> Json:
    """An item as Earth Search describes one; `changes` replace its properties, `geometry` and `id` themselves.

    Args:
        number: Moves the day of the product, so that many differ.
    """
    tile = str(changes.pop("tile", "31TCJ"))
    level = str(changes.pop("level", "L2A"))
    baseline = str(changes.pop("baseline", "0208"))
    geometry = changes.pop("geometry", _square(0.5 + (number % 7) * 1e-6, 43.2))
    day = changes.pop("day", f"2020{1 + number // 28 % 12:02d}{1 + number % 28:02d}")
    minute = f"{10 + number // 336 % 14:02d}{number // 4704 % 60:02d}"
    made = str(changes.pop("made", f"{day}T20{minute[2:]}00"))
    name = f"S2A_MSI{level}_{day}T{minute}31_N{baseline}_R051_T{tile}_{made}"
    iso = f"{day[:4]}-{day[4:6]}-{day[6:]}T{minute[:2]}:{minute[2:]}:35.000Z"
    zone, band, square = int(tile[:2]), tile[2], tile[3:]
    path = f"s3://sentinel-s2-{level.lower()}/tiles/{zone}/{band}/{square}/{day[:4]}/{int(day[4:6])}/{int(day[6:])}/0"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": changes.pop("id", f"S2A_{tile}_{day}_{number}_{level}"),
        "collection": f"sentinel-2-{level.lower()}",
        "geometry": geometry,
        "bbox": [0.5, 43.2, 1.9, 44.3],
        "links": [],
        "properties": {
            "datetime": iso,
            "platform": "sentinel-2a",
            "constellation": "sentinel-2",
            "eo:cloud_cover": float(number % 100),
            "grid:code": f"MGRS-{tile}",
            "s2:processing_baseline": f"{baseline[:2]}.{baseline[2:]}",
            "s2:product_uri": f"{name}.SAFE",
            "s2:product_type": f"S2MSI{level[1:]}",
            **changes,
        },
        "assets": {
            "tileinfo_metadata": {"href": f"{path}/tileInfo.json"},
            **{f"band{i}": {"href": f"{path}/B{i:02d}.jp2", "title": "x" * 120} for i in range(1, 14)},
        },
    }


def _square(west: float, south: float) -> Json:
    east, north = west + 1.37, south + 0.99
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }
