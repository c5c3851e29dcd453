"""Proven downloads beside plain ones: boto3, `aws s3 cp`, `s5cmd`; the second run; memory; `verify`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.bucket_server import counts, served
from benchmarks.harness import (
    Absent,
    Contestant,
    Measurement,
    Table,
    comparison,
    interleaved,
    measure,
    number,
    peer_python,
    s2kit_command,
    work_folder,
)
from s2kit.archive.layout import compact_rules, product_info
from s2kit.product.name import ProductName, parse_product_name
from s2kit.store.hashes import new_hash

NAME = "S2A_MSIL1C_20221206T105431_N0509_R051_T31UFS_20221206T125331"
LINK = 100_000_000
MB = 1_000_000
BANDS = {"B02": 108, "B03": 106, "B04": 109, "B08": 115, "TCI": 130, "B05": 32, "B06": 33, "B07": 33, "B8A": 33}
BANDS |= {"B11": 31, "B12": 31, "B01": 3.7, "B09": 3.7, "B10": 3.3}
"""Megabytes of a real L1C product's images (sizes out of a real manifest, rounded)."""

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
BOTO3 = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
import boto3
from botocore.config import Config
out, bucket, endpoint, listing = sys.argv[1:]
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(max_pool_connections=80))
def one(pair):
    key, path = pair
    target = os.path.join(out, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    client.download_file(bucket, key, target, ExtraArgs={"RequestPayer": "requester"})
with ThreadPoolExecutor(8) as pool:
    list(pool.map(one, json.load(open(listing)).items()))
"""


def run(repeat: int) -> list[Table]:
    """All tables of this area."""
    folder = work_folder() / "download"
    bucket = _bucket(folder / "bucket", 1.0)
    small = _bucket(folder / "small", 0.35)
    tables = []
    for rate, title in ((LINK, "one L1C product over a link of 100 MB/s"), (0, "the same on raw loopback")):
        with served(bucket, rate=rate) as url:
            found = interleaved(_contestants(folder, bucket, url), repeat)
            tables.append(_compared(title, bucket, found))
            if rate == 0:
                tables.append(_second_run(folder, url, repeat))
    tables.append(_memory(folder, {"small": small, "whole": bucket}))
    tables.append(_verify(folder, repeat))
    return tables


def _contestants(folder: Path, bucket: Path, url: str) -> Mapping[str, Contestant | Absent]:
    listing = folder / "objects.json"
    listing.write_text(json.dumps(_objects(bucket)))
    outs = {name: folder / f"out-{name}" for name in ("s2kit", "boto3", "aws", "s5cmd")}

    def emptied(name: str) -> Callable[[], object]:
        return lambda: shutil.rmtree(outs[name], ignore_errors=True)

    ours = _s2kit(folder, url, outs["s2kit"])
    boto3 = [sys.executable, "-c", BOTO3, str(outs["boto3"]), "b", url, str(listing)]
    found: dict[str, Contestant | Absent] = {
        "s2kit": Contestant(ours, KEYS, before=emptied("s2kit")),
        "boto3 download_file, 8 threads": Contestant(boto3, KEYS, before=emptied("boto3")),
    }
    python = peer_python("transfer", ["awscli", "s5cmd"])
    if isinstance(python, Absent):
        return {**found, "aws s3 cp": python, "s5cmd": python}
    aws = [str(python.with_name("aws")), "--endpoint-url", url, "s3", "cp", "--recursive", "--quiet", "s3://b"]
    s5cmd = [str(python.with_name("s5cmd")), "--endpoint-url", url, "cp", "s3://b/*"]
    found["aws s3 cp"] = Contestant([*aws, str(outs["aws"])], KEYS, before=emptied("aws"))
    found["s5cmd"] = Contestant([*s5cmd, f"{outs['s5cmd']}/"], KEYS, before=emptied("s5cmd"))
    return found


def _compared(title: str, bucket: Path, found: Mapping[str, Measurement | Absent]) -> Table:
    nbytes = sum(path.stat().st_size for path in bucket.rglob("*") if path.is_file())
    notes = ["s2kit takes SHA3-256 of every byte, syncs every file to the disk, and renames; the others do not"]
    for name, cost in found.items():
        if isinstance(cost, Measurement):
            rate, per_gb = nbytes / cost.wall_s / 1e6, cost.cpu_s / (nbytes / 1e9)
            notes.append(f"{name}: {rate:.1f} MB/s, {per_gb:.2f} CPU s a GB")
    return comparison(f"download: {title}, {nbytes / 1e6:.0f} MB", found, notes=notes)


def _second_run(folder: Path, url: str, repeat: int) -> Table:
    before = counts(url)
    cost = measure(_s2kit(folder, url, folder / "out-s2kit"), env=KEYS, repeat=repeat)
    after = counts(url)
    asked = {kind: (after[kind] - before[kind]) / repeat for kind in after}
    row = [number(cost.wall_s), number(cost.cpu_s), f"{cost.peak_pss_mb:.0f}", str(asked["LIST"]), str(asked["GET"])]
    return Table("download: second run of the same", ("wall s", "CPU s", "peak MB", "LIST", "GET"), [row])


def _memory(folder: Path, buckets: Mapping[str, Path]) -> Table:
    rows = []
    for name, bucket in buckets.items():
        out = folder / "out-memory"
        shutil.rmtree(out, ignore_errors=True)
        with served(bucket) as url:
            cost = measure([*_s2kit(folder, url, out), "--zip"], env=KEYS)
        size = sum(path.stat().st_size for path in bucket.rglob("*") if path.is_file())
        rows.append([name, f"{size / 1e6:.0f}", number(cost.wall_s), f"{cost.peak_pss_mb:.0f}"])
        shutil.rmtree(out, ignore_errors=True)
    return Table("download --zip: memory whatever the size", ("product", "MB", "wall s", "peak MB"), rows)


def _verify(folder: Path, repeat: int) -> Table:
    safe = folder / "out-s2kit" / f"{NAME}.SAFE"
    sums = folder / "sums"
    files = [path for path in sorted(safe.rglob("*")) if path.is_file()]
    made = subprocess.run(["sha1sum", *map(str, files)], capture_output=True, check=True)
    sums.write_bytes(made.stdout)
    found = interleaved(
        {
            "s2kit": Contestant([*s2kit_command(), "verify", str(safe)]),
            "sha1sum -c, one core": Contestant(["sha1sum", "-c", "--quiet", str(sums)]),
        },
        repeat,
    )
    return comparison("verify: the same product, SHA3-256", found, notes=["SHA3-256 costs about three times SHA-1"])


def _s2kit(folder: Path, url: str, out: Path) -> list[str]:
    settings = folder / f"settings-{url.rpartition(':')[2]}.toml"
    settings.write_text(
        f'archive = "b"\n[archives.b]\naddress = "s3://b"\nlayout = "aws-s2"\nendpoint_url = "{url}"\n'
        'region = "us-east-1"\nmax_connections = 8\nrequester_pays = true\n'
    )
    return [*s2kit_command(), "--config", str(settings), "download", NAME, "--out", str(out), "-q"]


def _objects(bucket: Path) -> dict[str, str]:
    return {path.relative_to(bucket).as_posix(): path.relative_to(bucket).as_posix() for path in bucket.rglob("*.*")}


def _bucket(folder: Path, scale: float) -> Path:
    """A product of real size in AWS's layout, random bytes, made once."""
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    name = parse_product_name(NAME)
    assert isinstance(name, ProductName)
    rules = compact_rules(name)
    granule, strip = "GRANULE/L1C_T31UFS_A038948_20221206T105429", "DATASTRIP/DS_2BPS_20221206T125331_S20221206T105429"
    stem = "T31UFS_20221206T105431"
    sizes = {f"{granule}/IMG_DATA/{stem}_{band}.jp2": size * MB for band, size in BANDS.items()}
    sizes |= {f"{strip}/MTD_DS.xml": 20 * MB, f"{granule}/MTD_TL.xml": 0.4 * MB, "MTD_MSIL1C.xml": 0.05 * MB}
    masks = ("DETFOO", "QUALIT")
    sizes |= {f"{granule}/QI_DATA/MSK_{mask}_{band}.jp2": 30_000 for mask in masks for band in BANDS if band != "TCI"}
    rows = []
    for path, size in sizes.items():
        nbytes = int(size * scale)
        digest = new_hash("SHA3-256")
        target = part / rules.keys(path)[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for at in range(0, nbytes, MB):
                data = os.urandom(min(MB, nbytes - at))
                digest.update(data)
                file.write(data)
        rows.append(
            f'<dataObject><byteStream size="{nbytes}"><fileLocation href="./{path}"/>'
            f'<checksum checksumName="SHA3-256">{digest.hexdigest()}</checksum></byteStream></dataObject>'
        )
    manifest = (
        f'<x:XFDU xmlns:x="urn:ccsds:schema:xfdu:1"><dataObjectSection>{"".join(rows)}</dataObjectSection></x:XFDU>'
    )
    (part / rules.product_prefix).mkdir(parents=True, exist_ok=True)
    (part / rules.product_prefix / "manifest.safe").write_text(manifest)
    info = product_info(name, rules, f"S2A_OPER_MSI_L1C_{strip.partition('/')[2]}_N05.09", "2022-12-06T10:54:31Z")
    (part / rules.product_prefix / "productInfo.json").write_text(json.dumps(info))
    part.rename(folder)
    return folder
