from dataclasses import replace

import numpy as np
import pytest
import rasterio

from s2kit.errors import AccessError, InputError, NotFoundError, TryLaterError
from s2kit.grid import Window
from s2kit.image.open import open_image
from s2kit.jp2.index_cache import FOLDER
from s2kit.store.archive import Archive
from s2kit.store.location import RemoteObject
from support.http_server import Fault, always, first, serving
from support.jp2 import write_jp2

WINDOWS = [
    Window(300, 420, 128, 128),
    Window(-20, -20, 100, 100),
    Window(1000, 1000, 300, 300),
    Window(0, 0, 1100, 1100),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("remote")
    write_jp2(place / "plain.jp2")
    write_jp2(place / "tlm.jp2", tlm=True)
    write_jp2(place / "other.jp2", seed=2)
    write_jp2(place / "many.jp2", 2816, tile=352)
    write_jp2(place / "many-other.jp2", 2816, tile=352, seed=2)
    write_jp2(place / "rpcl.jp2", 600, PROGRESSION="RPCL")
    write_jp2(place / "noplt.jp2", 600, PLT="NO")
    with rasterio.open(place / "plain.jp2") as source:
        shape = {"width": 1100, "height": 1100, "count": 1, "dtype": "uint16"}
        profile = shape | {"driver": "COG", "crs": source.crs, "transform": source.transform, "blocksize": 256}
        with rasterio.open(place / "cog.tif", "w", compress="deflate", **profile) as target:
            target.write(source.read())
    (place / "text.jp2").write_bytes(b"<html>no such picture</html>" * 10)
    (place / "empty.jp2").write_bytes(b"")
    return place


@pytest.fixture
def server(folder):
    with serving(folder) as running:
        yield running


def at(server, name, **options) -> RemoteObject:
    return RemoteObject(Archive(name="web", address=server.url, **options), name)


def expected(folder, name, window, reduction=0):
    with open_image(folder / name) as image:
        return image.window(window, reduction)


@pytest.mark.parametrize("name", ["plain.jp2", "tlm.jp2", "rpcl.jp2", "noplt.jp2", "cog.tif"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_windows_are_those_of_the_local_file(server, folder, name, window):
    if name in {"rpcl.jp2", "noplt.jp2"} and window.col >= 600:
        window = replace(window, col=500, row=500)
    for reduction in (0, 2):
        with open_image(at(server, name), cache=False) as image:
            assert np.array_equal(image.window(window, reduction), expected(folder, name, window, reduction))
            assert image.traffic.requests == len(server.gets)
            assert image.traffic.nbytes == server.sent
        server.forget()


@pytest.mark.parametrize("name", ["plain.jp2", "tlm.jp2", "rpcl.jp2", "cog.tif"])
def test_levels_are_those_of_gdal(server, folder, name):
    with open_image(folder / name) as local:
        reductions = local.info.reductions
    for reduction in reductions:
        with open_image(at(server, name), cache=False) as image:
            options = {"overview_level": reduction - 1} if reduction else {}
            with rasterio.open(folder / name, **options) as dataset:
                assert np.array_equal(image.level(reduction), dataset.read())


def test_info_takes_one_request(server, folder):
    with open_image(at(server, "plain.jp2"), cache=False) as image, open_image(folder / "plain.jp2") as local:
        assert image.info == local.info
        assert image.info.epsg == 32631
        assert len(server.log) == 1


def test_a_chip_takes_a_part_of_the_bytes(server, folder):
    size = (folder / "plain.jp2").stat().st_size
    with open_image(at(server, "tlm.jp2"), cache=False) as image:
        image.window(Window(300, 300, 64, 64))
        assert image.traffic.round_trips <= 4
        assert image.traffic.nbytes < size / 4


def test_images_of_one_product_tell_one_another_where_tiles_lie(real_l2a):
    folder = next(real_l2a.rglob("*_B04_60m.jp2")).parent
    first, second = (next(folder.glob(f"*_{band}_60m.jp2")).name for band in ("B04", "B03"))
    window = Window(400, 900, 32, 32)
    with serving(folder) as server:
        costs = []
        for siblings in (None, {}):
            with (
                open_image(at(server, first), cache=False, siblings=siblings) as one,
                open_image(at(server, second), cache=False, siblings=siblings) as other,
            ):
                one.window(window)
                assert np.array_equal(other.window(window), expected(folder, second, window))
                costs.append(other.traffic)
    alone, together = costs
    assert together.requests < alone.requests
    assert together.nbytes < alone.nbytes


def test_a_chip_of_a_half_empty_real_file_costs_less_than_walking(real_l2a):
    path = next(real_l2a.rglob("*_AOT_10m.jp2"))
    with serving(path.parent) as server:
        for place in ((0, 0), (5000, 5000), (10900, 10900)):
            server.forget()
            window = Window(*place, 64, 64)
            with open_image(at(server, path.name), cache=False) as image:
                assert np.array_equal(image.window(window), expected(path.parent, path.name, window))
                tile = place[1] // 1024 * 11 + place[0] // 1024
                assert image.traffic.requests <= max(tile, 2) + 3
        server.forget()
        with open_image(at(server, path.name), cache=False) as image, rasterio.open(path, overview_level=3) as dataset:
            assert np.array_equal(image.level(4), dataset.read())


@pytest.mark.parametrize("name", ["plain.jp2", "tlm.jp2"])
def test_what_was_learned_saves_requests(server, folder, tmp_path, name):
    costs = []
    for _ in range(2):
        with open_image(at(server, name), cache=tmp_path) as image:
            assert np.array_equal(image.window(WINDOWS[0]), expected(folder, name, WINDOWS[0]))
            costs.append(image.traffic)
    assert costs[1].requests < costs[0].requests
    assert costs[1].round_trips == 1
    assert len(list((tmp_path / FOLDER).iterdir())) == 1
    with open_image(at(server, name), cache=tmp_path) as image:
        assert np.array_equal(image.window(WINDOWS[2]), expected(folder, name, WINDOWS[2]))


@pytest.mark.parametrize("reduction", [2, 4])
def test_many_tiles_are_walked_from_several_places(server, folder, tmp_path, reduction):
    """The search costs few bytes and few round trips; once it is done, only what is shown is read."""
    with open_image(folder / "many.jp2") as image:
        level = image.level(reduction)
    costs = []
    for _ in range(2):
        with open_image(at(server, "many.jp2"), cache=tmp_path) as image:
            assert np.array_equal(image.level(reduction), level)
            costs.append(image.traffic)
    first_time, again = costs
    assert first_time.round_trips < 40
    assert first_time.nbytes < 0.6 * (folder / "many.jp2").stat().st_size
    assert again.nbytes < first_time.nbytes
    assert again.round_trips <= 8


def test_many_tiles_of_an_object_that_changes_or_a_server_that_ignores_ranges(server, folder):
    server.files["a.jp2"] = (folder / "many.jp2").read_bytes()
    with open_image(folder / "many-other.jp2") as image:
        level = image.level(3)
    seen = []

    def swap(request):
        seen.append(request)
        if len(seen) == 5:
            server.files["a.jp2"] = (folder / "many-other.jp2").read_bytes()

    server.hook = swap
    with open_image(at(server, "a.jp2"), cache=False) as image:
        assert np.array_equal(image.level(3), level)
    server.forget()
    server.hook = lambda request: Fault(ignore_range=True) if len(server.log) >= 4 else None
    with open_image(at(server, "a.jp2"), cache=False) as image:
        assert np.array_equal(image.level(3), level)
    server.hook = first(3, Fault(status=503))
    with open_image(at(server, "a.jp2", max_connections=2), cache=False) as image:
        assert np.array_equal(image.level(3), level)


def test_many_tiles_where_one_is_damaged(server, folder):
    data = bytearray((folder / "many.jp2").read_bytes())
    middle = data.find(b"\xff\x90\x00\x0a", len(data) // 2)
    data[middle + 6 : middle + 10] = (200).to_bytes(4, "big")
    server.files["broken.jp2"] = bytes(data)
    with open_image(at(server, "broken.jp2"), cache=False) as image, pytest.raises(InputError, match=r"broken\.jp2"):
        image.level(3)


def test_no_cache_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with open_image(at(server, "plain.jp2"), cache=False) as image:
        image.window(WINDOWS[0])
    assert list(tmp_path.iterdir()) == []
    with open_image(at(server, "plain.jp2")) as image:
        image.window(WINDOWS[0])
    assert len(list(tmp_path.rglob("*.idx"))) == 1


def test_a_cache_that_is_out_of_date_is_dropped(server, folder, tmp_path):
    server.files["a.jp2"] = (folder / "plain.jp2").read_bytes()
    with open_image(at(server, "a.jp2"), cache=tmp_path) as image:
        image.window(WINDOWS[0])
    server.files["a.jp2"] = (folder / "other.jp2").read_bytes()
    with open_image(at(server, "a.jp2"), cache=tmp_path) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "other.jp2", WINDOWS[0]))
    with open_image(at(server, "a.jp2"), cache=tmp_path) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "other.jp2", WINDOWS[0]))
        assert image.traffic.round_trips == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:50],
        lambda data: data[:-30],
        lambda data: b"junk",
        lambda data: data.replace(b"\xff\x90", b"\xff\x91"),
    ],
)
def test_a_damaged_cache_is_as_good_as_none(server, folder, tmp_path, damage):
    with open_image(at(server, "plain.jp2"), cache=tmp_path) as image:
        image.window(WINDOWS[0])
    entry = next((tmp_path / FOLDER).iterdir())
    entry.write_bytes(damage(entry.read_bytes()))
    with open_image(at(server, "plain.jp2"), cache=tmp_path) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "plain.jp2", WINDOWS[0]))


def test_an_object_that_changes_between_two_ranges_is_read_anew(server, folder):
    server.files["a.jp2"] = (folder / "plain.jp2").read_bytes()
    image = open_image(at(server, "a.jp2"), cache=False)
    server.files["a.jp2"] = (folder / "other.jp2").read_bytes()
    assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "other.jp2", WINDOWS[0]))
    server.files["a.jp2"] = (folder / "plain.jp2").read_bytes()
    with pytest.raises(TryLaterError, match="changed while it was being read"):
        image.window(WINDOWS[2])
    image.close()


@pytest.mark.parametrize("name", ["plain.jp2", "cog.tif"])
def test_a_server_that_ignores_ranges_is_read_once(server, folder, name):
    server.hook = always(Fault(ignore_range=True))
    with open_image(at(server, name), cache=False) as image:
        for window in WINDOWS:
            assert np.array_equal(image.window(window), expected(folder, name, window))
    assert len(server.gets) == 2


def test_passing_faults_are_overcome(server, folder):
    for fault in (Fault(status=503), Fault(reset=True), Fault(truncate=50)):
        server.hook = first(2, fault)
        with open_image(at(server, "plain.jp2"), cache=False) as image:
            assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "plain.jp2", WINDOWS[0]))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("none.jp2", NotFoundError, "no such file"),
        ("text.jp2", InputError, r"text\.jp2"),
        ("empty.jp2", InputError, "empty"),
    ],
)
def test_what_cannot_be_opened_is_named(server, name, kind, words):
    with pytest.raises(kind, match=words):
        open_image(at(server, name), cache=False)


def test_refusals_and_services_that_are_gone(server):
    server.hook = always(Fault(status=403))
    with pytest.raises(AccessError, match=r"plain\.jp2: access refused"):
        open_image(at(server, "plain.jp2"), cache=False)
    server.hook = None
    image = open_image(at(server, "cog.tif"), cache=False)
    server.hook = always(Fault(status=403))
    with pytest.raises(AccessError, match=r"cog\.tif: access refused"):
        image.level(0)
    image.close()


@pytest.mark.parametrize("share", [0.001, 0.3, 0.999])
def test_truncated_files_are_refused(server, folder, share):
    data = (folder / "plain.jp2").read_bytes()
    server.files["cut.jp2"] = data[: int(len(data) * share)]
    with pytest.raises(InputError, match=r"cut\.jp2"), open_image(at(server, "cut.jp2"), cache=False) as image:
        image.window(Window(1000, 1000, 50, 50))


def test_a_tlm_that_lies_is_found_out(server, folder, caplog):
    data = bytearray((folder / "tlm.jp2").read_bytes())
    at_tlm = data.index(b"\xff\x55")
    length = int.from_bytes(data[at_tlm + 2 : at_tlm + 4], "big")
    entries = data[at_tlm + 6 : at_tlm + 2 + length]
    step = len(entries) // 25
    for end, change in ((step, 12), (len(entries), -12)):  # the sum stays right
        value = int.from_bytes(entries[end - 2 : end], "big") + change
        entries[end - 2 : end] = value.to_bytes(2, "big")
    data[at_tlm + 6 : at_tlm + 2 + length] = entries
    server.files["lies.jp2"] = bytes(data)
    with open_image(at(server, "lies.jp2"), cache=False) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "tlm.jp2", WINDOWS[0]))
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


def test_levels_and_windows_that_are_not_there(server):
    with open_image(at(server, "plain.jp2"), cache=False) as image:
        with pytest.raises(NotFoundError, match="no reduction 9"):
            image.level(9)
        with pytest.raises(InputError, match="wholly outside"):
            image.window(Window(5000, 5000, 10, 10))


def test_requests_stay_within_the_connection_limit(server):
    server.latency_s = 0.01
    with open_image(at(server, "plain.jp2", max_connections=2), cache=False) as image:
        image.level(4)
        image.window(WINDOWS[3])
    assert server.peak <= 2


def test_buckets_are_read_the_same_way(s3_server, folder):
    bucket = s3_server.bucket()
    bucket.put("tiles/a.jp2", (folder / "plain.jp2").read_bytes())
    with open_image(RemoteObject(bucket.archive(), "tiles/a.jp2"), cache=False) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "plain.jp2", WINDOWS[0]))
        assert image.traffic.nbytes < (folder / "plain.jp2").stat().st_size


def test_folders_are_stores_too(folder):
    where = RemoteObject(Archive(name="here", address=str(folder)), "plain.jp2")
    with open_image(where, cache=False) as image:
        assert np.array_equal(image.window(WINDOWS[0]), expected(folder, "plain.jp2", WINDOWS[0]))


def test_blocks_of_a_geotiff_that_a_window_touches_are_asked_for_together(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 60000, (1, 1024, 1024)).astype(np.uint16)
    profile = {"driver": "GTiff", "height": 1024, "width": 1024, "count": 1, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32631", "transform": rasterio.Affine(10, 0, 300000, 0, -10, 4900020)}
    with rasterio.open(tmp_path / "a.tif", "w", tiled=True, blockxsize=256, blockysize=256, **profile) as target:
        target.write(pixels)
    with serving(tmp_path) as server, open_image(at(server, "a.tif"), cache=False) as image:
        assert image.info.width == 1024
        opened = image.traffic
        window = image.window(Window(200, 200, 128, 128))  # four blocks, of which two and two lie side by side
        np.testing.assert_array_equal(window, pixels[:, 200:328, 200:328])
        assert image.traffic.requests - opened.requests == 2
        assert image.traffic.round_trips - opened.round_trips == 1
