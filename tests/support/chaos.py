"""Faults without end against `download` and the readers of images: what was tried, what came out wrong, what was lost.

    PYTHONPATH=tests python -m support.chaos [CASES [SEED [KIND ...]]]

Each case makes something go wrong, looks at what stands under its final name, and then lets a run go undisturbed. `wrong`
is a file under its final name that its manifest refutes, a success that is none, or exit 1; `lost` is a product that
the undisturbed run does not bring. The suite runs one case of each kind.
"""

import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2kit.download import DownloadRequest, ProductResult, download
from s2kit.download.verify import verify
from s2kit.errors import ExitCode, InputError, S2KitError
from s2kit.image.open import open_image
from s2kit.product.ref import ProductRef
from s2kit.product.subset import Subset
from s2kit.store.archive import Archive, Layout
from s2kit.store.location import FilePart, ImageLocation, LocalFile, RemoteObject, ZipMember
from support.aws_trees import L1C, AwsProduct, make_product, manifest_of, put_product
from support.proxies import proxied
from support.s3 import Bucket, S3Server, moto

NAME = f"{L1C}.SAFE"
FAULTS = ("flip", "truncate", "reset", "status", "slow", "bytes", "ignore_range", "chunked", "no_length")
TIMEOUT_S = 120.0
FINE = frozenset(code.value for code in ExitCode if code.value != 1)


@dataclass
class World:
    """An S3 server with one product, of which there may come other editions."""

    bucket: Bucket
    folder: Path
    rng: random.Random
    product: AwsProduct = field(default_factory=lambda: make_product(L1C))
    editions: list[dict[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publish(0)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def publish(self, number: int) -> None:
        """Put an edition in the place of the last: every third file has other bytes of the same or another length."""
        files = {path: data for path, data in self.product.files.items() if path != "manifest.safe"}
        for path in sorted(files)[number % 3 :: 3] if number else ():
            files[path] = bytes(byte ^ number for byte in files[path]) + b"+" * self.rng.randrange(2)
        files["manifest.safe"] = manifest_of(files, "SHA3-256")
        self.product.files.update(files)
        for path, key in self.product.keys.items():
            self.product.objects[key] = files[path]
        put_product(self.bucket, self.product)
        self.editions.append(files)

    def archive(self, endpoint: str | None = None) -> Archive:
        return self.bucket.archive(layout=Layout.AWS_S2, **({"endpoint_url": endpoint} if endpoint else {}))

    def fetch(self, endpoint: str | None = None, **options: Any) -> ProductResult:
        archive = self.archive(endpoint)
        request = DownloadRequest(out=str(self.out), archives={archive.name: archive}, archive=archive.name, **options)
        (result,) = download([ProductRef(L1C)], request)
        return result

    def command(self, endpoint: str) -> tuple[list[str], dict[str, str]]:
        """A run of its own process."""
        self.folder.joinpath("chaos.toml").write_text(
            f'dataset = "out"\narchive = "mine"\nmin_free = ""\n[archives.mine]\naddress = "s3://{self.bucket.name}"\n'
            f'layout = "aws-s2"\nendpoint_url = "{endpoint}"\nregion = "us-east-1"\nmax_connections = 4\n'
        )
        words = [sys.executable, "-m", "s2kit", "--config", "chaos.toml", "download", L1C, "-q"]
        return words, {**os.environ, "AWS_MAX_ATTEMPTS": "3"}

    def start(self, endpoint: str) -> "subprocess.Popen[bytes]":
        words, environment = self.command(endpoint)
        quiet = subprocess.DEVNULL
        return subprocess.Popen(words, cwd=self.folder, env=environment, stdout=quiet, stderr=quiet)

    def wrong(self) -> str:
        """What is wrong with what stands under the product's name; nothing if nothing stands there."""
        safe = self.out / NAME
        if not safe.exists():
            return ""
        manifest = (safe / "manifest.safe").read_bytes() if (safe / "manifest.safe").is_file() else b""
        edition = next((files for files in self.editions if files["manifest.safe"] == manifest), None)
        if edition is None:
            return "the manifest is of no edition"
        for path, data in edition.items():
            if (safe / path).is_file() and (safe / path).read_bytes() != data:
                return f"{path} is not what the manifest lists"
        return ""

    def lost(self) -> str:
        """Why an undisturbed run does not bring the product as it is now; nothing if it does."""
        result = self.fetch()
        if result.error is not None:
            return str(result.error)
        absent = [path for path in self.product.keys if not (self.out / NAME / path).is_file()]
        if absent:
            return f"{absent[0]} is not there"
        (verified,) = verify([self.out / NAME])
        left = [path.name for path in self.out.rglob("*.part")]
        return str(verified.failure or "") or (f"{left[0]} was left" if left else "") or self.wrong()


Kind = Callable[[World], str]
"""Makes something go wrong; returns what is wrong already, nothing if all is well."""


def _judged(result: ProductResult) -> str:
    if result.error is None:
        return ""
    return "" if result.error.exit_code in FINE else f"exit {result.error.exit_code}: {result.error}"


def metadata_faults(world: World) -> str:
    """The manifest and AWS's JSON files, spoilt once, often or always."""
    word = world.rng.choice(["manifest.safe", "productInfo.json", "tileInfo.json"])
    fault = {"fault": world.rng.choice(FAULTS), "path": word, "times": world.rng.choice([1, 2, 99])}
    with proxied(world.bucket.endpoint_url, world.folder / "log", fault) as proxy:
        return _judged(world.fetch(proxy.url, stall_s=2.0))


def file_faults(world: World) -> str:
    """Some files of the product, spoilt once, often or always."""
    keys = [*world.rng.sample(sorted(world.product.keys.values()), 6), world.product.keys[world.product.large]]
    rules = [{"fault": world.rng.choice(FAULTS), "path": key, "times": world.rng.choice([1, 1, 2, 99])} for key in keys]
    with proxied(world.bucket.endpoint_url, world.folder / "log", *rules) as proxy:
        return _judged(world.fetch(proxy.url, stall_s=2.0))


def unknown_lengths(world: World) -> str:
    """A gateway that never says how long a body is."""
    fault = {"fault": world.rng.choice(["chunked", "no_length"]), "path": "", "times": 99}
    with proxied(world.bucket.endpoint_url, world.folder / "log", fault) as proxy:
        result = world.fetch(proxy.url, stall_s=2.0)
    return str(result.error or "")


def killed_parents(world: World) -> str:
    """`kill -9` at any moment, once or more often."""
    for _ in range(world.rng.choice([1, 2, 3])):
        with proxied(world.bucket.endpoint_url, world.folder / "log", rate=3e6) as proxy:
            process = world.start(proxy.url)
            time.sleep(world.rng.uniform(0.3, 3.0))
            process.send_signal(world.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            code = process.wait(TIMEOUT_S)
        if code == 1:
            return "exit 1"
        if problem := world.wrong():
            return problem
    return ""


def replaced_objects(world: World) -> str:
    """Editions that replace one another between runs of parts of the product, some of them interrupted."""
    for number in range(1, world.rng.choice([2, 3])):
        bands = world.rng.sample(["B02", "B03", "B04", "B08", "B11", "TCI"], 2)
        rules = []
        if world.rng.random() < 0.5:
            rules = [{"fault": "status", "path": world.rng.choice(sorted(world.product.keys.values())), "times": 99}]
        with proxied(world.bucket.endpoint_url, world.folder / "log", *rules) as proxy:
            problem = _judged(world.fetch(proxy.url, subset=Subset.parse(bands, (), ()), stall_s=1.0))
        if problem := problem or world.wrong():
            return problem
        world.publish(number)
    return ""


def two_runs(world: World) -> str:
    """Two or three runs at one target, by two names of its folder; one may be killed."""
    (world.folder / "out").mkdir()
    with proxied(world.bucket.endpoint_url, world.folder / "log", rate=8e6) as proxy:
        processes = []
        for _ in range(world.rng.choice([2, 3])):
            processes.append(world.start(proxy.url))
            time.sleep(world.rng.uniform(0, 1.0))
        if world.rng.random() < 0.5:
            time.sleep(world.rng.uniform(0, 1.5))
            processes[0].kill()
        codes = [process.wait(TIMEOUT_S) for process in processes]
    return f"exit codes {codes}" if set(codes) - {0, 75, -9} else ""


def hostile_folders(world: World) -> str:
    """What an enemy, or another program, may have left at the destination."""
    victim = world.folder / "victim"
    victim.write_bytes(b"precious")
    out, path = world.out, world.rng.choice(sorted(world.product.keys))
    part = out / f"{NAME}.part"
    (part / path).parent.mkdir(parents=True)
    record = out / f"{NAME}.s2kit.json"
    traps: list[Callable[[], object]] = [
        lambda: (part / path).symlink_to(victim),
        lambda: (part / f"{path}.0123456789abcdef.part").symlink_to(victim),
        lambda: os.mkfifo(record),
        lambda: record.symlink_to("/dev/zero"),
        lambda: record.write_bytes(world.rng.randbytes(300)),
        lambda: (part / "manifest.safe").symlink_to(victim),
        lambda: (part / path).write_bytes(b"wrong"),
        lambda: (out / f"{L1C}.zip").write_bytes(b"PK\x05\x06" + bytes(18)),
        lambda: os.mkfifo(out / f"{L1C}.zip"),
    ]
    world.rng.choice(traps)()
    result = world.fetch(stall_s=2.0)
    if victim.read_bytes() != b"precious":
        return "a link was followed"
    return _judged(result)


def disguised_files(world: World) -> str:
    """Other kinds of file under the name of a band, in all places where a band may lie."""
    secret = world.folder / "secret.tif"
    secret.write_bytes(_GRID)
    bodies = [
        f'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{secret}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
        "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:9/${z}</ServerUrl></Service></GDAL_WMS>",
        '{"type": "Feature", "stac_version": "1.0.0", "assets": {}}',
        f"GTIFF_DIR:1:{secret}",
        "ncols 1\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\n7\n",
    ]
    data = world.rng.choice(["", " ", "\n", "\ufeff"]).encode() + world.rng.choice(bodies).encode()
    plain, stored, deflated = (world.folder / name for name in ("B04.jp2", "stored.zip", "deflated.zip"))
    plain.write_bytes(data)
    for target, method in ((stored, zipfile.ZIP_STORED), (deflated, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(target, "w", method) as archive:
            archive.writestr("B04.jp2", data)
    world.bucket.put("B04.jp2", data)
    places: list[ImageLocation] = [
        LocalFile(plain),
        FilePart(stored, stored.read_bytes().index(data), len(data)),
        ZipMember(deflated, "B04.jp2"),
        RemoteObject(world.bucket.archive(), "B04.jp2"),
    ]
    for place in places:
        try:
            open_image(place, cache=False).close()
        except InputError:
            continue
        return f"{place} was opened"
    return ""


_GRID = b"II*\0\x08\0\0\0" + bytes(64)
KINDS: dict[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        metadata_faults, file_faults, unknown_lengths, killed_parents, replaced_objects, two_runs, hostile_folders,
        disguised_files,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What became of one case."""

    kind: str
    seed: str
    outcome: str
    """`right`, `wrong` or `lost`."""
    message: str = ""


def run_case(kind: str, seed: str, server: S3Server) -> Case:
    """One case, in a world of its own."""
    with tempfile.TemporaryDirectory(prefix="s2kit-chaos-") as folder:
        world = World(server.bucket(), Path(folder), random.Random(seed))
        try:
            problem = KINDS[kind](world) or world.wrong()
            if problem:
                return Case(kind, seed, "wrong", problem)
            problem = world.lost()
        except S2KitError as error:
            return Case(kind, seed, "lost", f"{type(error).__name__}: {error}")
        except subprocess.TimeoutExpired:
            return Case(kind, seed, "lost", "a run hangs")
        return Case(kind, seed, "lost" if problem else "right", problem)


def cases(count: int, seed: str, kinds: list[str], server: S3Server) -> Iterator[Case]:
    """So many cases, kind by kind in turns."""
    for number, kind in zip(range(count), itertools.cycle(kinds), strict=False):
        yield run_case(kind, f"{seed}-{number}", server)


@contextmanager
def _server() -> Iterator[S3Server]:
    os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_MAX_ATTEMPTS="3")
    with moto() as url:
        yield S3Server(url)


def main(count: str = "100", seed: str = "1", *kinds: str) -> None:
    """Run cases, name those that failed, and count; an interrupt ends it with what was counted so far."""
    counts: Counter[tuple[str, str]] = Counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _server() as server:
            for case in cases(int(count), seed, list(kinds) or list(KINDS), server):
                counts[case.kind, case.outcome] += 1
                if case.outcome != "right":
                    print(f"{case.kind} {case.seed}: {case.outcome}: {case.message}", flush=True)
    except KeyboardInterrupt:
        print("stopped before the end")
    for kind in KINDS:
        tried = sum(number for (one, _), number in counts.items() if one == kind)
        if tried:
            print(f"{kind}: {tried} tried, {counts[kind, 'wrong']} wrong, {counts[kind, 'lost']} lost")


if __name__ == "__main__":
    main(*sys.argv[1:])
