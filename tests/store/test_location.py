import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from s2kit.store.archive import ARCHIVES
from s2kit.store.location import FilePart, ImageLocation, LocalFile, LocalLocation, RemoteObject, ZipMember, gdal_path


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (LocalFile(Path("/a/b.jp2")), "/a/b.jp2"),
        (FilePart(Path("/a/x.zip"), 10, 20, "X.SAFE/b.jp2"), "/a/x.zip/X.SAFE/b.jp2"),
        (ZipMember(Path("/a/x.zip"), "X.SAFE/b.jp2"), "/a/x.zip/X.SAFE/b.jp2"),
        (RemoteObject(ARCHIVES["gcp"], "tiles/b.jp2"), "gs://gcp-public-data-sentinel-2/tiles/b.jp2"),
    ],
)
def test_a_location_travels_and_names_itself(location: ImageLocation, text: str) -> None:
    assert pickle.loads(pickle.dumps(location)) == location
    assert str(location) == text
    assert len(pickle.dumps(location)) < 1000


def test_gdal_reads_every_local_kind(tmp_path: Path) -> None:
    pixels = np.arange(64, dtype="uint16").reshape(1, 8, 8)
    tif = tmp_path / "a b.tif"
    with rasterio.open(
        tif,
        "w",
        driver="GTiff",
        width=8,
        height=8,
        count=1,
        dtype="uint16",
        crs="EPSG:32631",
        transform=rasterio.Affine(10, 0, 0, 0, -10, 0),
    ) as out:
        out.write(pixels)
    archive = tmp_path / "no suffix, really"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(tif, "X.SAFE/stored.tif", zipfile.ZIP_STORED)
        out.write(tif, "X.SAFE/deflated.tif", zipfile.ZIP_DEFLATED)
    data = archive.read_bytes()
    places: list[LocalLocation] = [
        LocalFile(tif),
        FilePart(archive, data.index(tif.read_bytes()), tif.stat().st_size),
        ZipMember(archive, "X.SAFE/deflated.tif"),
    ]
    for place in places:
        with rasterio.open(gdal_path(place)) as image:
            assert (image.read() == pixels).all()
