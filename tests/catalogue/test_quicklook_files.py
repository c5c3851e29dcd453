"""Small pictures, from addresses and from products on disk."""

import shutil
from pathlib import Path

import pytest
from simplejpeg import decode_jpeg

from s2kit.catalogue.quicklook_files import picture
from s2kit.catalogue.record import ProductRecord, named_record
from s2kit.errors import InputError, NotFoundError
from s2kit.run.deadline import Deadline
from s2kit.run.events import Event, Finished, ItemFailed, Note
from s2kit.search.quicklooks import fetch_quicklooks
from support.catalogue_server import Answer, CatalogueServer

NAME = "S2A_MSIL2A_20200105T105441_N0208_R051_T31TCJ_20200105T131500"
JPEG = b"\xff\xd8\xff\xe0" + b"x" * 50


def record(day: str = "05", **facts: object) -> ProductRecord:
    return named_record(NAME.replace("20200105T105441", f"202001{day}T105441"), **facts)


def test_a_picture_is_fetched_once(tmp_path: Path) -> None:
    with CatalogueServer(lambda _: Answer(body=JPEG)) as server:
        for _ in range(2):
            picture(record(quicklook=f"{server.url}/a"), tmp_path / "a.jpg", Deadline(5))
        assert len(server.requests) == 1
    assert (tmp_path / "a.jpg").read_bytes() == JPEG


def test_a_page_is_no_picture(tmp_path: Path) -> None:
    page = Answer(body=b"<html>log in</html>")
    with CatalogueServer(lambda _: page) as server, pytest.raises(InputError, match="no picture"):
        picture(record(quicklook=f"{server.url}/a"), tmp_path / "a.jpg", Deadline(5))
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    def handle(request: object) -> Answer:
        return Answer(403, b"") if request.path == "/closed" else Answer(body=JPEG)

    told: list[Event] = []
    with CatalogueServer(handle) as server:
        records = [
            record("05", quicklook=f"{server.url}/closed"),
            record("06", quicklook=f"{server.url}/open"),
            record("07"),
        ]
        made = fetch_quicklooks(records, tmp_path / "pics", told.append)
    assert len(made.errors) == 1
    assert [path.name for path in made.paths] == [f"{records[1].id}.jpg"]
    assert [type(event) for event in told if isinstance(event, (ItemFailed, Finished))].count(ItemFailed) == 1
    assert any(isinstance(event, Note) and "1 of 3" in event.message for event in told)


def test_the_preview_inside_a_product(real_l2a: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    picture(record(locations={"local": str(real_l2a)}), target, Deadline(5))
    assert decode_jpeg(target.read_bytes()).shape == (343, 343, 3)


def test_a_jpeg_beside_the_product_is_taken_as_it_is(tmp_path: Path) -> None:
    product = tmp_path / "P.SAFE"
    product.mkdir()
    (product / f"{NAME}-ql.jpg").write_bytes(JPEG)
    picture(record(locations={"local": str(product)}), tmp_path / "a.jpg", Deadline(5))
    assert (tmp_path / "a.jpg").read_bytes() == JPEG


def test_a_product_without_a_preview(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no preview"):
        picture(record(locations={"local": str(tmp_path)}), tmp_path / "a.jpg", Deadline(5))


def test_a_broken_preview_is_named(real_l2a: Path, tmp_path: Path) -> None:
    folder = tmp_path / "P.SAFE/GRANULE/G/QI_DATA"
    folder.mkdir(parents=True)
    (folder / "T31TCJ_PVI.jp2").write_bytes(b"no picture")
    with pytest.raises(InputError, match="PVI"):
        picture(record(locations={"local": str(tmp_path / "P.SAFE")}), tmp_path / "a.jpg", Deadline(5))
    shutil.rmtree(tmp_path / "P.SAFE")
