"""Faults on the way, injected by a real proxy: every case ends in a proven product or a clear failure.

The suite runs a sample; `S2KIT_FULL_MATRIX=1` runs every fault with every kind of product, and 20 kills. Another S3
server than moto's is taken with `S2KIT_TEST_S3_ENDPOINT` (and keys in `S2KIT_TEST_S3_KEY`, `S2KIT_TEST_S3_SECRET`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from s2kit.download import DownloadRequest, ProductResult, Status, download
from s2kit.download.record import FileState
from s2kit.product.manifest import parse_manifest
from s2kit.product.ref import ProductRef
from s2kit.run.events import Advanced, Event
from s2kit.store.archive import Archive, Layout
from support.aws_trees import L1C, L2A, LARGE, S1, AwsProduct, expected_tree, make_product, put_product, tree_of
from support.proxies import RunningProxy, proxied
from support.s3 import Bucket, S3Server

FULL = bool(os.environ.get("S2KIT_FULL_MATRIX"))
FAULTS = {
    "none": (),
    "503": ({"fault": "status", "times": 2},),
    "reset": ({"fault": "reset", "times": 2},),
    "truncated": ({"fault": "truncate", "times": 1},),
    "slow": ({"fault": "slow", "times": 1},),
    "byte by byte": ({"fault": "bytes", "times": 1},),
    "no ranges": ({"fault": "truncate", "times": 1}, {"fault": "ignore_range", "times": 9}),
}
KINDS = {"L1C": L1C, "L2A": L2A, "S1": S1}
SAMPLE = {
    ("none", "L2A"),
    ("503", "S1"),
    ("reset", "L1C"),
    ("truncated", "S1"),
    ("slow", "S1"),
    ("byte by byte", "L1C"),
    ("no ranges", "S1"),
}
RATE = 100_000
"""Bytes a second of a line on which the products take a minute and more, so that a run never ends before its fault."""
_FILLED: dict[str, Bucket] = {}
MATRIX = [(fault, kind) for fault in FAULTS for kind in KINDS if FULL or (fault, kind) in SAMPLE]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits up to 20 s between attempts; its own setting for fewer keeps the suite quick."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")


@pytest.fixture(scope="module")
def products(request: pytest.FixtureRequest) -> dict[str, AwsProduct]:
    """One product of each kind: with the list of a real manifest where shared data are here, else a generated one."""
    shared = Path(__file__).resolve().parents[4] / "shared" / "data"
    manifests = {
        "L1C": shared / "manifests" / "creodias" / f"{L1C}.SAFE" / "manifest.safe",
        "L2A": shared / "manifests" / "creodias" / f"{L2A}.SAFE" / "manifest.safe",
        "S1": shared / "s1" / "aws_layout_full" / S1 / "manifest.safe",
    }
    made = {}
    for kind, name in KINDS.items():
        listed = None
        if manifests[kind].is_file():
            listed = [entry.path for entry in parse_manifest(manifests[kind].read_bytes()).entries]
        made[kind] = make_product(name, listed)
    return made


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    return s3_server.bucket()


@pytest.fixture
def stocked(products: dict[str, AwsProduct], s3_server: S3Server) -> Callable[[str], Bucket]:
    """Buckets with one product each, filled once for all tests that only read them."""

    def of(kind: str) -> Bucket:
        if kind not in _FILLED:
            _FILLED[kind] = s3_server.bucket()
            put_product(_FILLED[kind], products[kind])
        return _FILLED[kind]

    return of


def archive_of(bucket: Bucket, kind: str, endpoint: str | None = None) -> Archive:
    layout = Layout.AWS_S1 if kind == "S1" else Layout.AWS_S2
    options = {} if endpoint is None else {"endpoint_url": endpoint}
    return bucket.archive(layout=layout, requester_pays=True, **options)


def fetch(archive: Archive, out: Path, name: str, **options: object) -> ProductResult:
    request = DownloadRequest(out=str(out), archives={archive.name: archive}, archive=archive.name, **options)  # type: ignore[arg-type]
    (result,) = download([ProductRef(name)], request)
    return result


def assert_proven(out: Path, product: AwsProduct, result: ProductResult) -> None:
    assert result.error is None
    assert result.status is Status.DONE
    assert tree_of(out / f"{product.name}.SAFE") == expected_tree(product)
    assert not list(out.rglob("*.part"))
    listed = len(product.kept) - 1
    assert result.count(FileState.VERIFIED) == listed
    assert all(file.proof == "manifest" for file in result.files if file.state is FileState.VERIFIED)


@pytest.mark.parametrize(("fault", "kind"), MATRIX, ids=[f"{fault}, {kind}" for fault, kind in MATRIX])
def test_a_fault_that_passes_ends_in_a_proven_product(fault, kind, products, stocked, tmp_path):
    product, bucket = products[kind], stocked(kind)
    rules = FAULTS[fault]
    if fault != "none":  # on a few objects, or the pauses between attempts add up
        few = [
            product.keys[product.large],
            *sorted(product.keys.values(), key=lambda key: -len(product.objects[key]))[1:7],
        ]
        rules = tuple({**rule, "path": key} for rule in rules for key in few) if not FULL else rules
    with proxied(bucket.endpoint_url, tmp_path / "log", *rules) as proxy:
        result = fetch(archive_of(bucket, kind, proxy.url), tmp_path / "out", product.name)
        assert_proven(tmp_path / "out", product, result)
        if fault == "truncated":  # what had arrived was not fetched again
            ranges = [entry["range"] for entry in proxy.gets(product.keys[product.large])]
            assert ranges == [None, f"bytes={LARGE // 2}-"]


@pytest.mark.parametrize("kind", KINDS if FULL else ["L1C", "S1"])
@pytest.mark.parametrize("part", ["single", "multipart"])
def test_a_flipped_byte_is_seen_and_fetched_again(part, kind, products, stocked, tmp_path):
    product, bucket = products[kind], stocked(kind)
    path = (
        product.large
        if part == "multipart"
        else max(
            (path for path in product.keys if path not in {product.large, "manifest.safe"}),
            key=lambda path: len(product.objects[product.keys[path]]),
        )
    )
    tag = bucket.client.head_object(Bucket=bucket.name, Key=product.keys[path])["ETag"]
    assert ("-" in tag) == (part == "multipart")
    rule = {"fault": "flip", "path": product.keys[path], "times": 1}
    with proxied(bucket.endpoint_url, tmp_path / "log", rule) as proxy:
        result = fetch(archive_of(bucket, kind, proxy.url), tmp_path / "out", product.name)
        assert_proven(tmp_path / "out", product, result)
        assert len(proxy.gets(product.keys[path])) == 2
    assert next(file for file in result.files if file.path == path).moved == 2 * len(product.files[path])


@pytest.mark.parametrize("kind", KINDS if FULL else ["L2A"])
def test_a_byte_that_is_always_wrong_ends_in_quarantine(kind, products, stocked, tmp_path):
    product, bucket = products[kind], stocked(kind)
    archive = archive_of(bucket, kind)
    rule = {"fault": "flip", "path": product.keys[product.large], "times": 9}
    out = tmp_path / "out"
    with proxied(bucket.endpoint_url, tmp_path / "log", rule) as proxy:
        result = fetch(archive_of(bucket, kind, proxy.url), out, product.name)
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error.exit_code == 4
    assert [file.path for file in result.files if file.state is FileState.FAILED] == [product.large]
    assert not (out / f"{product.name}.SAFE").exists()
    assert not (out / f"{product.name}.SAFE.part" / product.large).exists()
    wrong = (out / f"{product.name}.SAFE.quarantine" / product.large).read_bytes()
    assert len(wrong) == LARGE
    assert sum(a != b for a, b in zip(wrong, product.files[product.large], strict=True)) == 1
    with proxied(bucket.endpoint_url, tmp_path / "log2") as proxy:  # the link is mended: only that file is fetched
        again = fetch(archive_of(bucket, kind, proxy.url), out, product.name)
        pixels = [entry for entry in proxy.gets() if entry["path"].partition("?")[0].endswith((".jp2", ".tiff"))]
        assert len(pixels) == 1
    assert_proven(out, product, again)
    assert archive.requester_pays


def test_the_same_always_wrong_byte_in_the_archive_itself_never_gets_its_name(products, bucket, tmp_path):
    product = products["S1"]
    put_product(bucket, product)
    key = product.keys[product.large]
    spoilt = bytearray(product.objects[key])
    spoilt[1234] ^= 1
    bucket.put(key, bytes(spoilt))
    result = fetch(archive_of(bucket, "S1"), tmp_path, product.name)
    assert result.status is Status.FAILED
    assert "MD5 is" in str(result.error)
    assert not (tmp_path / f"{product.name}.SAFE").exists()


def test_an_object_that_is_replaced_between_two_attempts_is_begun_again(products, bucket, tmp_path):
    """The first run ends in the middle of an old object; the manifest is that of the new one."""
    product = products["S1"]
    put_product(bucket, product)
    key = product.keys[product.large]
    old = random.Random(1).randbytes(LARGE)
    bucket.put(key, old)
    out = tmp_path / "out"
    rules = ({"fault": "truncate", "path": key, "times": 99}, {"fault": "status", "path": key, "times": 99})
    with proxied(bucket.endpoint_url, tmp_path / "log", *rules) as proxy:
        archive = archive_of(bucket, "S1", proxy.url)
        result = fetch(archive, out, product.name, stall_s=1.0)
        assert result.status is Status.FAILED
    (left,) = (path for path in out.rglob("*.part") if path.is_file())
    assert old.startswith(left.read_bytes())
    assert left.stat().st_size >= LARGE // 2
    put_product(bucket, product)
    with proxied(bucket.endpoint_url, tmp_path / "log2") as proxy:
        again = fetch(archive_of(bucket, "S1", proxy.url), out, product.name)
        assert [entry["range"] for entry in proxy.gets(key)] == [None]
    assert_proven(out, product, again)


def test_an_object_that_is_replaced_within_a_run_is_begun_again(products, bucket, tmp_path):
    """The rest is asked for with If-Match: the server refuses, and the new object is fetched from its first byte."""
    product = products["S1"]
    put_product(bucket, product)
    key = product.keys[product.large]
    right = product.objects[key]
    bucket.put(key, random.Random(2).randbytes(LARGE))
    rules = ({"fault": "truncate", "path": key, "times": 1},)
    with proxied(bucket.endpoint_url, tmp_path / "log", *rules) as proxy:
        archive = archive_of(bucket, "S1", proxy.url)
        request = DownloadRequest(out=str(tmp_path / "out"), archives={archive.name: archive}, archive=archive.name)

        replaced: list[str] = []

        def replace_it(event: Event) -> None:
            if isinstance(event, Advanced) and event.nbytes >= 1 << 20 and not replaced:
                replaced.append(bucket.put(key, right))

        (result,) = download([ProductRef(product.name)], request, replace_it)
        gets = proxy.gets(key)
    assert replaced
    assert_proven(tmp_path / "out", product, result)
    assert [(entry["range"] is None, entry["status"]) for entry in gets] == [(True, 200), (False, 412), (True, 200)]


def kill_environment(bucket: Bucket, proxy: RunningProxy, kind: str, folder: Path) -> dict[str, str]:
    (folder / "settings.toml").write_text(
        f'dataset = "out"\narchive = "mine"\nmin_free = ""\n[archives.mine]\naddress = "s3://{bucket.name}"\n'
        f'layout = "{"aws-s1" if kind == "S1" else "aws-s2"}"\nendpoint_url = "{proxy.url}"\nregion = "us-east-1"\n'
        "max_connections = 4\n"
    )
    return {**os.environ}


def s2kit(*words: str) -> list[str]:
    return [sys.executable, "-m", "s2kit", *words]


def test_killed_at_random_moments_and_run_again(products, stocked, tmp_path):
    """`kill -9`, 20 times where the whole matrix runs: the tree is the same, and at most a chunk a file comes twice."""
    product, bucket = products["L1C"], stocked("L1C")
    random_moments = random.Random(20261120)
    kills = 0
    with proxied(bucket.endpoint_url, tmp_path / "log", rate=3 * RATE) as slow:
        environment = kill_environment(bucket, slow, "L1C", tmp_path)
        for _ in range(20 if FULL else 3):
            process = subprocess.Popen(
                s2kit("download", product.name, "-q"),
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(random_moments.uniform(0.9, 1.8))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            process.wait(30)
    with proxied(bucket.endpoint_url, tmp_path / "log2") as proxy:
        environment = kill_environment(bucket, proxy, "L1C", tmp_path)
        done = subprocess.run(
            s2kit("download", product.name, "-q"),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"out/{product.name}.SAFE\n"
        time.sleep(0.3)
        assert any(entry["range"] for entry in proxy.gets())  # it went on in the middle of files
        sent = Counter[str]()
        for entry in slow.gets() + proxy.gets():
            sent[entry["path"].partition("?")[0].partition(f"/{bucket.name}/")[2]] += entry["sent"]
    assert tree_of(tmp_path / "out" / f"{product.name}.SAFE") == expected_tree(product)
    assert not list((tmp_path / "out").rglob("*.part"))
    assert kills >= 2
    for path, key in product.keys.items():
        if path == "manifest.safe":
            continue
        twice = sent[key] - len(product.objects[key])
        assert twice <= kills * (1 << 20) + (1 << 19), path  # a chunk a kill, and what was in the sockets


def test_an_interrupt_leaves_only_what_the_next_run_goes_on_with(products, stocked, tmp_path):
    product, bucket = products["S1"], stocked("S1")
    with proxied(bucket.endpoint_url, tmp_path / "log", rate=RATE) as proxy:
        environment = kill_environment(bucket, proxy, "S1", tmp_path)
        process = subprocess.Popen(
            s2kit("download", product.name),
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while not list((tmp_path).glob("out/*.part/measurement/*.part")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 143
        assert out == ""
        assert [path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".SAFE"] == []
    with proxied(bucket.endpoint_url, tmp_path / "log2") as proxy:
        environment = kill_environment(bucket, proxy, "S1", tmp_path)
        done = subprocess.run(
            s2kit("download", product.name), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert tree_of(tmp_path / "out" / f"{product.name}.SAFE") == expected_tree(product)


def test_the_time_for_a_run_is_kept(products, stocked, tmp_path):
    product, bucket = products["S1"], stocked("S1")
    with proxied(bucket.endpoint_url, tmp_path / "log", rate=RATE) as proxy:
        started = time.monotonic()
        result = fetch(archive_of(bucket, "S1", proxy.url), tmp_path / "out", product.name, timeout_s=1.5)
        assert time.monotonic() - started < LARGE / RATE / 2
    assert result.status is Status.FAILED
    assert result.error is not None
    assert result.error.exit_code == 75
    assert "time for this run is over" in str(result.error)
