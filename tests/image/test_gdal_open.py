"""Files that pose as images: no pixel of theirs is read, nothing is fetched, and no file beside an image counts."""

import ast
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import s2kit
from s2kit.errors import InputError
from s2kit.image.gdal_open import driver_of, open_raster_file
from s2kit.image.open import open_image
from s2kit.store.location import FilePart, ImageLocation, LocalFile, RemoteObject, ZipMember, gdal_path
from support.jp2_files import BY_GDAL, path_of
from support.s3 import S3Server

pytestmark = pytest.mark.filterwarnings(f"ignore::{NotGeoreferencedWarning.__module__}.NotGeoreferencedWarning")

HITS: list[str] = []


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    """A server that notes what is fetched from it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            HITS.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A raster that nobody named."""
    path = tmp_path / "secret.tif"
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=1, dtype="uint16") as image:
        image.write(np.full((1, 64, 64), 4242, "uint16"))
    return path


def vrt(source: str) -> bytes:
    return (
        '<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    ).encode()


def disguises(secret: Path, outside: str) -> dict[str, bytes]:
    return {
        "vrt": vrt(str(secret)),
        "vrt of an address": vrt(f"/vsicurl/{outside}/a.tif"),
        "vrt behind white space": b"\n  " + vrt(str(secret)),
        "wms": f"<GDAL_WMS><Service name='TMS'><ServerUrl>{outside}/${{z}}</ServerUrl></Service></GDAL_WMS>".encode(),
        "stacta": b'{"type": "Feature", "stac_extensions": ["tiled-assets"], "assets": {}}',
        "netcdf": b"CDF\x01" + bytes(60),
        "address": f"{outside}/a.tif".encode(),
        "empty vrt": b"<VRTDataset/>",
    }


def in_file(data: bytes, folder: Path) -> ImageLocation:
    path = folder / "B04.jp2"
    path.write_bytes(data)
    return LocalFile(path)


def stored(data: bytes, folder: Path) -> ImageLocation:
    return zipped(data, folder, zipfile.ZIP_STORED)


def deflated(data: bytes, folder: Path) -> ImageLocation:
    return zipped(data, folder, zipfile.ZIP_DEFLATED)


def zipped(data: bytes, folder: Path, method: int) -> ImageLocation:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("B04.jp2", data)
    if method == zipfile.ZIP_DEFLATED:
        return ZipMember(path, "B04.jp2")
    return FilePart(path, path.read_bytes().index(data), len(data), "B04.jp2")


@pytest.mark.parametrize("place", [in_file, stored, deflated])
def test_a_disguised_file_is_refused_wherever_it_lies(
    place: Callable[[bytes, Path], ImageLocation], secret: Path, outside: str, tmp_path: Path
) -> None:
    HITS.clear()
    for data in disguises(secret, outside).values():
        with pytest.raises(InputError, match="neither JPEG 2000, TIFF"):
            open_image(place(data, tmp_path)).close()
    assert not HITS


def test_a_disguised_object_of_a_bucket_is_refused(
    s3_server: S3Server, secret: Path, outside: str, tmp_path: Path
) -> None:
    HITS.clear()
    bucket = s3_server.bucket()
    for data in disguises(secret, outside).values():
        bucket.put("B04.jp2", data)
        with pytest.raises(InputError, match="neither JPEG 2000, TIFF"):
            open_image(RemoteObject(bucket.archive(), "B04.jp2"), cache=tmp_path).close()
    assert not HITS


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_images_that_gdal_reads_are_still_read_from_zips(method: int, tmp_path: Path, secret: Path) -> None:
    with open_image(zipped(secret.read_bytes(), tmp_path, method)) as image:
        assert (image.level() == 4242).all()
    with open_image(path_of(BY_GDAL[0])) as plain:
        expected = plain.level()
    with open_image(zipped(path_of(BY_GDAL[0]).read_bytes(), tmp_path, method)) as image:
        assert np.array_equal(image.level(), expected)


def test_files_beside_an_image_change_nothing(secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "B04.tif"
    with rasterio.open(path, "w", driver="GTiff", width=64, height=64, count=1, dtype="uint16") as image:
        image.write(np.full((1, 64, 64), 7, "uint16"))
    (tmp_path / "B04.tif.ovr").write_bytes(vrt(str(secret)).replace(b'"64"', b'"32"'))
    (tmp_path / "B04.tif.msk").write_bytes(vrt(str(secret)))
    (tmp_path / "B04.tfw").write_text("10\n0\n0\n-10\n300000\n4900000\n")
    (tmp_path / "B04.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{secret}</MDI></Metadata>'
        "<Metadata><MDI key='PRODUCT'>invented</MDI></Metadata></PAMDataset>"
    )
    before = sorted(tmp_path.iterdir())
    with open_image(path) as image:
        assert list(image.info.reductions) == [0]
        assert image.info.grid is None
        assert (image.level() == 7).all()
    with open_raster_file(path) as dataset:
        assert not dataset.overviews(1)
        assert "PRODUCT" not in dataset.tags()
        assert (dataset.dataset_mask() == 255).all()
    assert sorted(tmp_path.iterdir()) == before


def test_names_never_reach_gdal_as_anything_but_files(tmp_path: Path) -> None:
    assert gdal_path(LocalFile(Path("http:/host/x.tif"))).startswith("/")
    with pytest.raises(InputError, match="would not take this name"):
        gdal_path(LocalFile(Path("/vsicurl/http:/host/x.tif")))
    with pytest.raises(InputError, match="would not take this name"):
        gdal_path(ZipMember(Path("/data/}{.zip"), "B04.jp2"))
    assert gdal_path(ZipMember(Path("/data/{a}.zip"), "B04.jp2")) == "/vsizip/{/data/{a}.zip}/B04.jp2"


def test_first_bytes_name_the_driver() -> None:
    heads = {
        b"\0\0\0\x0cjP  \r\n\x87\n": "JP2OpenJPEG",
        b"\xff\x4f\xff\x51": "JP2OpenJPEG",
        b"II*\0": "GTiff",
        b"MM\0+": "GTiff",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"\xff\xd8\xff\xe0": "JPEG",
        b"RIFF\0\0\0\0WEBP": "WEBP",
    }
    assert {head: driver_of(head, "x") for head in heads} == heads
    for head in (b"", b"II", b"RIFF\0\0\0\0WAVE", b"<VRTDataset>"):
        with pytest.raises(InputError):
            driver_of(head, "x")


def test_nobody_else_opens_rasters_without_naming_their_driver() -> None:
    """`rasterio.open` to read, without `driver=`, tries every driver that GDAL has."""
    found = []
    for path in Path(s2kit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in {"rasterio.open", "gdal.Open"}:
                continue
            options = {keyword.arg for keyword in node.keywords}
            written = len(node.args) > 1 and ast.unparse(node.args[1]) == "'w'"
            if not written and "driver" not in options:
                found.append(f"{path.name}:{node.lineno}")
    assert found == []
