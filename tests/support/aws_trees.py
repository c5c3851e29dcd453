"""Products as AWS has them, made from a real manifest's list with bytes of our own and a manifest that fits them."""

import hashlib
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2kit.archive.layout import compact_rules, product_info
from s2kit.archive.layout_s1 import product_folder, short_keys
from s2kit.product.name import Level, ProductName, Sentinel1Name, parse_product_name
from s2kit.store.hashes import Algorithm, new_hash
from support.s3 import KEY, SECRET

L1C = "S2A_MSIL1C_20221206T105431_N0509_R051_T31UFS_20221206T125331"
L2A = "S2A_MSIL2A_20210402T104021_N0300_R008_T31UFS_20210402T133746"
S1 = "S1A_EW_GRDM_1SDH_20221130T014342_20221130T014446_046117_058549_BB15"
NEVER_ON_AWS = ("HTML/UserProduct_index.html", "HTML/UserProduct_index.xsl")
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
LARGE = 5 * 2**20 + 77_777
"""Bytes of the one file that is stored in two parts."""


@dataclass
class AwsProduct:
    """One product: its files by SAFE path, the manifest, and the objects that stand for them."""

    name: str
    files: dict[str, bytes]
    """All that the manifest lists, also what AWS never had, and the manifest."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """By key."""
    large: str = ""
    """SAFE path of the large file."""
    keys: dict[str, str] = field(default_factory=dict)
    """Key by SAFE path."""

    @property
    def kept(self) -> dict[str, bytes]:
        """What a download can bring."""
        return {path: data for path, data in self.files.items() if path not in NEVER_ON_AWS}

    @property
    def extras(self) -> set[str]:
        """Files that the archive has and the manifest does not list."""
        return set(self.keys) - set(self.files)


def generated_paths(text: str) -> list[str]:
    """The paths that the manifest of such a product lists, as the product specification has them."""
    name = parse_product_name(text)
    if isinstance(name, Sentinel1Name):
        return _sentinel1_paths(name)
    assert isinstance(name, ProductName)
    granule = f"GRANULE/{name.level}_T{name.tile}_A038948_20221206T105429"
    strip = "DATASTRIP/DS_2BPS_20221206T125331_S20221206T105429"
    stem = f"T{name.tile}_{name.sensing:%Y%m%dT%H%M%S}"
    images = f"{granule}/IMG_DATA"
    reports = ("FORMAT_CORRECTNESS", "GENERAL_QUALITY", "GEOMETRIC_QUALITY", "SENSOR_QUALITY")
    paths = [f"MTD_MSI{name.level}.xml", "INSPIRE.xml", *NEVER_ON_AWS, f"{strip}/MTD_DS.xml", f"{granule}/MTD_TL.xml"]
    paths += [f"{strip}/QI_DATA/{report}.xml" for report in (*reports, "RADIOMETRIC_QUALITY")]
    paths += [f"{granule}/QI_DATA/{report}.xml" for report in reports]
    paths += [f"{granule}/AUX_DATA/AUX_ECMWFT", f"{granule}/QI_DATA/{stem}_PVI.jp2"]
    if name.baseline.major >= 4:
        paths += [f"{granule}/AUX_DATA/AUX_CAMSFO", f"{granule}/QI_DATA/MSK_CLASSI_B00.jp2"]
        paths += [f"{granule}/QI_DATA/MSK_{kind}_{band}.jp2" for kind in ("DETFOO", "QUALIT") for band in BANDS]
    else:
        kinds = ("DEFECT", "DETFOO", "NODATA", "SATURA", "TECQUA")
        paths += [f"{granule}/QI_DATA/MSK_{kind}_{band}.gml" for kind in kinds for band in BANDS]
        paths.append(f"{granule}/QI_DATA/MSK_CLOUDS_B00.gml")
    if name.level is Level.L1C:
        return paths + [f"{images}/{stem}_{band}.jp2" for band in (*BANDS, "TCI")]
    paths += [f"{granule}/QI_DATA/MSK_{kind}_{res}m.jp2" for kind in ("CLDPRB", "SNWPRB") for res in (20, 60)]
    paths.append(f"{granule}/QI_DATA/RADIOMETRIC_QUALITY.xml")
    layers = ("AOT", "TCI", "WVP")
    ten = ("B02", "B03", "B04", "B08", *layers)
    twenty = (*BANDS[1:7], "B8A", "B11", "B12", "SCL", *layers)
    sixty = (*BANDS[:7], "B8A", "B09", "B11", "B12", "SCL", *layers)
    for res, names in ((10, ten), (20, twenty), (60, sixty)):
        paths += [f"{images}/R{res}m/{stem}_{image}_{res}m.jp2" for image in names]
    return paths


def make_product(text: str, paths: Iterable[str] | None = None, algorithm: Algorithm | None = None) -> AwsProduct:
    """A product with made-up bytes: mostly small files, a few of some hundred kilobytes, one larger than a part.

    Args:
        text: Its name.
        paths: What its manifest shall list; by default what the specification says.
        algorithm: Of the checksums; by default that of its baseline.
    """
    name = parse_product_name(text)
    listed = sorted(paths or generated_paths(text))
    random_bytes = random.Random(text)
    if algorithm is None:
        algorithm = (
            "SHA3-256"
            if isinstance(name, ProductName) and (name.baseline.major, name.baseline.minor) > (3, 0)
            else "MD5"
        )
    images = [path for path in listed if path.endswith((".jp2", ".tiff")) and "QI_DATA" not in path]
    files = {}
    for path in listed:
        size = random_bytes.randrange(200, 4000)
        if path in images[:4]:
            size = random_bytes.randrange(250_000, 900_000)
        files[path] = random_bytes.randbytes(LARGE if path == images[-1] else size)
    files["manifest.safe"] = manifest_of(files, algorithm)
    product = AwsProduct(text, files, large=images[-1])
    if isinstance(name, Sentinel1Name):
        _lay_out_sentinel1(product, name)
    else:
        assert isinstance(name, ProductName)
        _lay_out_sentinel2(product, name)
    return product


def manifest_of(files: Mapping[str, bytes], algorithm: Algorithm) -> bytes:
    """A manifest with the sizes and checksums of some files, every third in capitals, prefixes mixed as in real ones."""
    rows = []
    for number, (path, data) in enumerate(sorted(files.items())):
        digest = new_hash(algorithm)
        digest.update(data)
        text = digest.hexdigest().upper() if number % 3 == 0 else digest.hexdigest()
        href = path if number % 5 == 0 else f"./{path}"
        rows.append(
            f'<dataObject ID="n{number}"><byteStream mimeType="application/octet-stream" size="{len(data)}">'
            f'<fileLocation locatorType="URL" href="{href}"/>'
            f'<checksum checksumName="{algorithm}">{text}</checksum></byteStream></dataObject>'
        )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1"><dataObjectSection>'
    return f"{head}{''.join(rows)}</dataObjectSection></xfdu:XFDU>".encode()


def put_product(bucket: Any, product: AwsProduct) -> None:
    """Store a product's objects as ESA's mirrors did: without checksums of the SDK, the large one in two parts."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(request_checksum_calculation="when_required"),
    )
    large = product.keys[product.large]
    for key, data in product.objects.items():
        if key != large:
            client.put_object(Bucket=bucket.name, Key=key, Body=data)
            continue
        upload = client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
        parts = []
        for number, part in enumerate((data[: 5 * 2**20], data[5 * 2**20 :]), 1):
            answer = client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=number, Body=part)
            parts.append({"ETag": answer["ETag"], "PartNumber": number})
        client.complete_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def put_in_folder(folder: Path, product: AwsProduct) -> None:
    """The same objects as files."""
    for key, data in product.objects.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)


def tree_of(folder: Path) -> dict[str, str]:
    """All files of a folder with the checksum of their bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def expected_tree(product: AwsProduct) -> dict[str, str]:
    """What `tree_of` gives for a whole download of a product."""
    found = {path: hashlib.sha256(data).hexdigest() for path, data in product.kept.items()}
    return found | {path: hashlib.sha256(product.objects[product.keys[path]]).hexdigest() for path in product.extras}


def _lay_out_sentinel2(product: AwsProduct, name: ProductName) -> None:
    rules = compact_rules(name, 1)
    for path, data in product.files.items():
        for key in rules.keys(path)[:1]:
            product.objects[key] = data
            product.keys[path] = key
    strip = next(path.split("/")[1] for path in product.files if path.endswith("MTD_DS.xml"))
    identifier = f"{name.satellite}_OPER_MSI_{name.level}_{strip}_N{name.baseline}"
    info = product_info(name, rules, identifier, f"{name.sensing:%Y-%m-%dT%H:%M:%S}Z")
    tile = {"path": rules.tile_prefix.rstrip("/"), "productName": str(name), "productPath": info["path"]}
    product.objects[f"{rules.product_prefix}productInfo.json"] = json.dumps(info).encode()
    product.objects[f"{rules.tile_prefix}tileInfo.json"] = json.dumps(tile).encode()
    product.objects[f"{rules.tile_prefix}preview.jpg"] = b"only on AWS"


def _lay_out_sentinel1(product: AwsProduct, name: Sentinel1Name) -> None:
    prefix = product_folder(name)
    table = {path: short_keys(path)[0] for path in product.files}
    table["support/s1-level-1-product.xsd"] = "support/s1-level-1-product.xsd"
    table["preview/icons/logo.png"] = "preview/icons/logo.png"
    for path, key in table.items():
        product.objects[prefix + key] = product.files.get(path, b"schema or icon")
        product.keys[path] = prefix + key
    info = {"id": product.name, "path": prefix.rstrip("/"), "filenameMap": table, "version": 3}
    product.objects[f"{prefix}productInfo.json"] = json.dumps(info).encode()


def _sentinel1_paths(name: Sentinel1Name) -> list[str]:
    mode, kind = name.mode.lower(), name.product_type.lower()
    times = f"{name.sensing:%Y%m%dt%H%M%S}-{name.sensing_stop:%Y%m%dt%H%M%S}"
    paths = ["preview/map-overlay.kml", "preview/product-preview.html", "preview/quick-look.png"]
    for number, pol in enumerate({"DH": ("hh", "hv"), "DV": ("vv", "vh")}[name.polarisation], 1):
        tail = f"{mode}-{kind}-{pol}-{times}-{name.absolute_orbit:06d}-{name.datatake.lower()}-{number:03d}"
        long = f"{name.satellite.lower()}-{tail}"
        paths += [f"annotation/{long}.xml", f"annotation/rfi/rfi-{long}.xml", f"measurement/{long}.tiff"]
        paths += [f"annotation/calibration/{word}-{long}.xml" for word in ("calibration", "noise")]
    return paths
