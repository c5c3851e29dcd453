"""The service under load: 50 clients that mix all parts while a worker is killed; then clients that mean it ill.

Answers are compared with those of a quiet service; jobs that were started must end; memory is that of the whole tree
of processes (PSS). `S2KIT_LOAD_S` seconds of load, 180 if it is not set.
"""

import hashlib
import http.client
import json
import math
import os
import random
import resource
import signal
import socket
import statistics
import tempfile
import threading
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from benchmarks.bench_serve import running_service
from benchmarks.harness import Table, number, process_tree, pss_of, s2kit_command, work_folder
from s2kit.demo.series import make_scene

CLIENTS, SECONDS, IDLE, SLOW = 50, 180.0, 1000, 200
FIELD = "lon=0.5531&lat=44.1413"
SEASON = "start_date=2024-04-01&end_date=2024-07-31"
GRAPH = {
    "load": {"process_id": "load_collection", "arguments": {
        "id": "SENTINEL2_L2A", "temporal_extent": ["2024-04-01", "2024-08-01"], "bands": ["B04", "B08"],
        "spatial_extent": {"west": 0.55, "south": 44.14, "east": 0.551, "north": 44.141}}},
    "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "nir": "B08", "red": "B04"}},
    "save": {
        "process_id": "save_result", "arguments": {"data": {"from_node": "ndvi"}, "format": "JSON"}, "result": True},
}  # fmt: skip
TOKEN = {"Authorization": "Bearer basic//open", "Content-Type": "application/json"}


class BusyError(Exception):
    """The service has too much to do, and says so: make a batch job, or let the others end."""


class CutOffError(Exception):
    """The connection ended before the answer did, as it does if a worker is killed."""


class Client:
    """Asks one service."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, method: str = "GET", body: object = None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of an answer; a connection that was cut is told apart from a wrong answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), TOKEN)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException) as error:
            raise CutOffError from error
        finally:
            connection.close()

    def text(self, path: str, method: str = "GET", body: object = None) -> bytes:
        """The body of a good answer."""
        status, data, _ = self.ask(path, method, body)
        if status in {408, 429}:
            raise BusyError
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {data[:200]!r}")
        return data


def run(repeat: int) -> list[Table]:
    """All tables of this area; `repeat` changes nothing, since the load is long."""
    del repeat
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    scene = make_scene(work_folder() / "serve-scene", side=1320, dates=2, jobs=2)
    with tempfile.TemporaryDirectory(dir=work_folder()) as name:
        folder = Path(name)
        settings = folder / "settings.toml"
        settings.write_text(
            f'dataset = "{scene.folder}"\ncatalogue = "local"\ncache_dir = "{folder / "cache"}"\n'
            f'[parcel_files]\ndemo = "{scene.parcels}"\n[archives.gcp]\naddress = "{scene.folder}"\nanonymous = false\n'
        )
        command = [*s2kit_command(), "serve", "--config", str(settings), "--state", str(folder / "state")]
        with running_service([*command, "--workers", "2", "--port"]) as (port, pid):
            tables = [_load(port, pid, scene.l2a[0])]
        with running_service([*command, "--port"]) as (port, pid):
            return [*tables, _ill_meant(port, pid)]


# the load


def _parts(client: Client, product: Path) -> dict[str, Callable[[random.Random], object]]:
    """What a client may do; each gives what must be the same every time."""
    name = product.stem
    (band,) = product.glob("GRANULE/*/IMG_DATA/R60m/*_B04_60m.jp2")
    key = band.relative_to(product.parent).as_posix()

    def tile(chance: random.Random) -> object:
        zoom = chance.choice((11, 12, 13))
        x, y = _tile_of(0.54, 44.14, zoom)
        view = chance.choice(("bands=B04&stretch=0:0.4", "index=ndvi", "recipe=true-color"))
        return zoom, view, _digest(_png_rows(client.text(f"/tiles/{name}/{zoom}/{x}/{y}.png?{view}")))

    def chips(chance: random.Random) -> object:
        at = chance.randrange(20)
        answer = json.loads(client.text(f"/query/rawChipByLocation?lon={0.54 + at / 1000}&lat=44.14&{SEASON}&band=B08"))
        return at, answer["dates"], [_digest(client.text(path)) for path in answer["chips"]]

    def page(chance: random.Random) -> object:
        at = chance.randrange(20)
        text = client.text(f"/query/chipsByLocation?lon={0.54 + at / 1000}&lat=44.15&{SEASON}").decode()
        return at, text.count("<img")

    def pixels(chance: random.Random) -> object:
        level = chance.choice((-1, 0, 1))
        return level, _digest(
            json.dumps(json.loads(client.text("/api/jp2", "POST", {"Path": key, "rlevel": level}))["img_data"]).encode()
        )

    def parcel(chance: random.Random) -> object:
        pid = chance.randrange(100, 160)
        return pid, _digest(client.text(f"/query/parcelByID?aoi=demo&pid={pid}&withGeometry=True"))

    def now(chance: random.Random) -> object:
        return _digest(client.text("/api/v1/result", "POST", {"process": {"process_graph": GRAPH}}))

    def documents(chance: random.Random) -> object:
        path = chance.choice(("/api/v1/collections", "/api/v1/processes", "/api/", "/query/info"))
        return path, _digest(client.text(path))

    return {"tile": tile, "raw chips": chips, "page of chips": page, "pixels": pixels, "parcel": parcel, "graph": now,
            "documents": documents}  # fmt: skip


_OFTEN = (
    ("tile",) * 10
    + ("raw chips",) * 3
    + ("page of chips",) * 2
    + ("pixels",) * 3
    + ("parcel",) * 3
    + ("documents",) * 3
)


def _tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the Web Mercator tile that holds a place."""
    up = math.asinh(math.tan(math.radians(lat))) / math.pi
    return int((lon / 360 + 0.5) * (1 << zoom)), int((1 - up) / 2 * (1 << zoom))


def _png_rows(data: bytes) -> bytes:
    """The filtered rows of a PNG: what it shows, however it is packed."""
    at, packed = 8, b""
    while at < len(data):
        nbytes = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + nbytes]
        at += 12 + nbytes
    return data[:33] + zlib.decompress(packed)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


class _Result:
    """What all clients saw."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.seen: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.wrong: list[str] = []
        self.cut: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.jobs: list[str] = []

    def note(self, part: str, value: object, seconds: float) -> None:
        """An answer: the same question must have had the same one."""
        *question, answer = value if isinstance(value, tuple) else (value,)
        with self.lock:
            self.seconds[part].append(seconds)
            known = self.seen[part].setdefault(str(question), str(answer))
            if known != str(answer):
                self.wrong.append(f"{part} {question}: {answer} and not {known}")


def _load(port: int, pid: int, product: Path) -> Table:
    client, result = Client(port), _Result()
    parts = _parts(client, product)
    for name in dict.fromkeys((*_OFTEN, "graph")):
        for seed in range(3):
            result.note(name, parts[name](random.Random(seed)), 0.0)
    result.seconds.clear()
    length = float(os.environ.get("S2KIT_LOAD_S") or SECONDS)
    end = time.monotonic() + length
    threads = [threading.Thread(target=_work, args=(parts, client, result, end, seed)) for seed in range(CLIENTS)]
    memory = [_memory(pid)]
    for thread in threads:
        thread.start()
    killed = False
    while time.monotonic() < end:
        time.sleep(min(5.0, max(0.1, end - time.monotonic())))
        memory.append(_memory(pid))
        if not killed and time.monotonic() > end - length / 2:
            os.kill(_worker(pid), signal.SIGKILL)
            killed = True
    for thread in threads:
        thread.join()
    lost = _lost(client, result.jobs)
    time.sleep(3)
    memory.append(_memory(pid))
    return _load_table(result, lost, memory, length)


def _work(
    parts: dict[str, Callable[[random.Random], object]], client: Client, result: _Result, end: float, seed: int
) -> None:
    """One client: mostly reads; now and then a graph that it waits for, or a job that it comes back to at the end."""
    chance = random.Random(seed)
    while time.monotonic() < end:
        part = "graph" if chance.random() < 0.01 else "job" if chance.random() < 0.01 else chance.choice(_OFTEN)
        started = time.perf_counter()
        try:
            if part == "job":
                _start_job(client, result)
            else:
                result.note(part, parts[part](chance), time.perf_counter() - started)
        except CutOffError:
            with result.lock:
                result.cut[part] += 1
        except BusyError:
            with result.lock:
                result.refused[part] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it was no right answer
            with result.lock:
                result.wrong.append(f"{part}: {error}")


def _start_job(client: Client, result: _Result) -> None:
    status, text, headers = client.ask("/api/v1/jobs", "POST", {"process": {"process_graph": GRAPH}})
    if status != 201:
        raise RuntimeError(f"a job is not made: {status} {text[:200]!r}")
    job = headers["openeo-identifier"]
    status, text, _ = client.ask(f"/api/v1/jobs/{job}/results", "POST")
    if status == 429:  # the user has as many jobs as are allowed
        client.ask(f"/api/v1/jobs/{job}", "DELETE")
    elif status != 202:
        raise RuntimeError(f"a job is not started: {status} {text[:200]!r}")
    else:
        with result.lock:
            result.jobs.append(job)


def _lost(client: Client, jobs: Sequence[str]) -> list[str]:
    """Jobs that did not finish with a result."""
    lost = []
    for job in jobs:
        end = time.monotonic() + 600
        while (state := json.loads(client.text(f"/api/v1/jobs/{job}"))["status"]) in {"queued", "running"}:
            if time.monotonic() > end:
                break
            time.sleep(0.5)
        if state != "finished" or not json.loads(client.text(f"/api/v1/jobs/{job}/results"))["assets"]:
            lost.append(f"{job} {state}")
    return lost


def _load_table(result: _Result, lost: Sequence[str], memory: Sequence[int], length: float) -> Table:
    rows = []
    for part, seconds in sorted(result.seconds.items()):
        middle, late = (f"{1000 * at:.0f}" for at in (statistics.median(seconds), _late(seconds)))
        rows.append((part, str(len(seconds)), middle, late, str(result.cut[part]), str(result.refused[part])))
    course = [f"{one / 1e6:.0f}" for one in memory[:: max(1, len(memory) // 12)]]
    notes = [
        f"wrong answers: {len(result.wrong)}" + "".join(f"; {one}" for one in result.wrong[:5]),
        f"jobs: {len(result.jobs)} started, {len(lost)} lost" + "".join(f"; {one}" for one in lost[:5]),
        f"connections cut when the worker was killed: {sum(result.cut.values())}",
        f"memory of all processes in MB, from the start to the end: {', '.join(course)}",
        f"load average {os.getloadavg()[0]:.1f}",
    ]
    title = f"{CLIENTS} clients for {length:g} s, two workers, one killed in the middle"
    return Table(title, ("part", "answers", "median ms", "p99 ms", "cut", "told to wait"), rows, notes)


def _late(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1] if len(seconds) > 1 else seconds[0]


def _memory(pid: int) -> int:
    total = 0
    for one in process_tree(pid):
        with suppress(OSError, IndexError, ValueError):
            total += pss_of(one)
    return total


def _worker(pid: int) -> int:
    """A process that serves: of those below the first, one that holds much memory."""
    below = [
        one
        for one in process_tree(pid)
        if one != pid and b"job_supervisor" not in Path(f"/proc/{one}/cmdline").read_bytes()
    ]
    parents = {one: int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1]) for one in below}
    return max((one for one in below if parents[one] == pid), key=pss_of)


# clients that mean it ill


def _ill_meant(port: int, pid: int) -> Table:
    rows = []
    for title, attack in (
        (f"{IDLE} idle connections", _idle), (f"{SLOW} heads of a byte a second", _slow),
        ("a body of 1 GB, announced", _announced), ("a body of 1 GB, in chunks", _chunked),
    ):  # fmt: skip
        before = _memory(pid)
        seen = [(what, _memory(pid)) for what in attack(port)]
        what, most = seen[-1][0], max(memory for _, memory in seen)
        started = time.perf_counter()
        Client(port).text("/health")
        rows.append((title, what, f"{(most - before) / 1e6:.1f}", f"{1000 * (time.perf_counter() - started):.0f}"))
    head = ("clients", "what came of it", "memory more, MB", "next answer after ms")
    return Table("clients that mean it ill", head, rows, [f"load average {os.getloadavg()[0]:.1f}"])


def _idle(port: int) -> Iterator[str]:
    """Connections on which nothing is ever sent; they are closed after the time for a head."""
    held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(IDLE)]
    started = time.perf_counter()
    Client(port).text("/health")
    answered = time.perf_counter() - started
    yield "open"
    ended = sum(connection.recv(1) == b"" for connection in held)
    for connection in held:
        connection.close()
    yield f"health in {1000 * answered:.0f} ms beside them; {ended} closed after {time.perf_counter() - started:.0f} s"


def _slow(port: int) -> Iterator[str]:
    held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(SLOW)]
    started = time.perf_counter()
    text, left = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 40, set(held)
    for at in range(len(text)):
        for connection in tuple(left):
            try:
                connection.sendall(text[at : at + 1])
            except OSError:
                left.discard(connection)
        yield "sending"
        if not left:
            break
        time.sleep(1)
    for connection in held:
        connection.close()
    yield f"{SLOW - len(left)} closed within {time.perf_counter() - started:.0f} s"


def _announced(port: int) -> Iterator[str]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
        connection.sendall(b"POST /api/jp2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        yield f"answer {connection.recv(100).split(b' ')[1].decode()} before a byte of it"


def _chunked(port: int) -> Iterator[str]:
    sent, piece = 0, b"x" * 100_000
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
        connection.sendall(b"POST /api/jp2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            while sent < 1_000_000_000:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent += len(piece)
                if sent % 10_000_000 == 0:
                    yield "sending"
        answer = b""
        with suppress(OSError):
            answer = connection.recv(100)
    status = answer.split(b" ")[1].decode() if answer else "connection closed"
    yield f"{status} after {number(sent / 1e6)} MB were sent"
