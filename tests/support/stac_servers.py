"""Two real STAC servers on loopback: rustac's, which ignores filters, and stac-fastapi on pgstac, which knows them all.

The second wants PostgreSQL with PostGIS, as Debian's `postgresql` and `postgis` packages bring them; it gets a database
of its own in a temporary folder, and a user without rights where the tests are run by root, whom PostgreSQL refuses.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(sys.executable).parent
_START_S = 180.0
_BY_DEBIAN = "/usr/lib/postgresql"

Json = dict[str, Any]


@contextmanager
def rustac_server(items: Sequence[Json], folder: Path) -> Iterator[str]:
    """The address of `rustac serve`: it honours areas, dates and collections, and nothing else.

    Args:
        items: What it holds.
        folder: For its input and its log.
    """
    source = folder / "items.json"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}))
    address = f"127.0.0.1:{_free_port()}"
    command = [str(SCRIPTS / "rustac"), "serve", "--addr", f"http://{address}", "--bind", address]
    with _running([*command, "--create-collections", str(source)], folder / "rustac.log"):
        yield _answering(f"http://{address}", folder / "rustac.log")


@contextmanager
def pgstac_server(items: Sequence[Json], folder: Path, postgres: "Postgres") -> Iterator[str]:
    """The address of `stac-fastapi` on pgstac, with all its extensions.

    Args:
        items: What it holds.
        folder: For its input and its log.
        postgres: Where PostgreSQL is.
    """
    with _database(postgres) as environment:
        env = {**os.environ, **environment}
        _pypgstac(["migrate"], env)
        names = sorted({str(item["collection"]) for item in items})
        for kind, entries in (("collections", [_collection(name) for name in names]), ("items", items)):
            source = folder / f"{kind}.ndjson"
            source.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
            _pypgstac(["load", kind, str(source)], env)
        port = _free_port()
        app = ["stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1", "--port", str(port)]
        log = folder / "stac-fastapi.log"
        with _running([sys.executable, "-m", "uvicorn", *app], log, env=env):
            yield _answering(f"http://127.0.0.1:{port}", log)


@dataclass(frozen=True, slots=True)
class Postgres:
    """An installed PostgreSQL that has PostGIS."""

    programs: Path


def find_postgres() -> Postgres | None:
    """The newest PostgreSQL with PostGIS, None where there is none."""
    found = shutil.which("initdb")
    folders = sorted(Path(_BY_DEBIAN).glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True)
    for programs in [*([Path(found).resolve().parent] if found else []), *folders]:
        config = programs / "pg_config"
        if config.is_file() and (programs / "initdb").is_file():
            shared = subprocess.run([str(config), "--sharedir"], capture_output=True, text=True, check=True)
            if (Path(shared.stdout.strip()) / "extension" / "postgis.control").is_file():
                return Postgres(programs)
    return None


@contextmanager
def _database(postgres: Postgres) -> Iterator[Mapping[str, str]]:
    """A new database on a free port; the variables under which its clients find it."""
    home = Path(tempfile.mkdtemp(prefix="s2kit-postgres-"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    options: dict[str, Any] = {"cwd": home, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}}
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
        options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    port, data, log = _free_port(), home / "data", home / "log"
    try:
        made = [str(postgres.programs / "initdb"), "-D", str(data), "-U", "stac", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(made, check=True, capture_output=True, **options)
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": home, "fsync": "off"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = [str(postgres.programs / "postgres"), "-D", str(data), *words]
        with _running(program, log, stop=signal.SIGINT, **options):  # SIGINT: without waiting for clients
            _connectable(port, log)
            yield {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(port),
                "PGUSER": "stac",
                "PGPASSWORD": "none",
                "PGDATABASE": "postgres",
            }
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _pypgstac(words: Sequence[str], env: Mapping[str, str]) -> None:
    done = subprocess.run([str(SCRIPTS / "pypgstac"), *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"pypgstac {words[0]}: {done.stderr[-2000:]}"


def _collection(name: str) -> Json:
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [["2014-01-01T00:00:00Z", None]]}}
    head = {"type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "proprietary"}
    return {**head, "extent": extent, "links": []}


@contextmanager
def _running(
    command: Sequence[str], log: Path, *, stop: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[None]:
    """A process that ends with the block, however the block ends; what it says goes to a log."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
    try:
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answering(url: str, log: Path) -> str:
    """The address, once something answers there."""

    def asks() -> None:
        with urllib.request.urlopen(url, timeout=5) as answer:
            answer.read()

    _until(asks, f"{url} does not answer", log)
    return url


def _connectable(port: int, log: Path) -> None:
    import psycopg

    def asks() -> None:
        psycopg.connect(host="127.0.0.1", port=port, user="stac", dbname="postgres", connect_timeout=5).close()

    _until(asks, "PostgreSQL does not answer", log, psycopg.OperationalError)


def _until(attempt: Any, problem: str, log: Path, *errors: type[Exception]) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            attempt()
            return
        except (OSError, *errors) as error:
            if time.monotonic() > end:
                raise AssertionError(f"{problem}: {log.read_text()[-2000:]}") from error
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
