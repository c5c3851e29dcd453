"""The demonstration's world: whole, kept when it is there, never laid over something else."""

from pathlib import Path

import pytest

from s2kit.demo.run import STEPS, DemoStep, made, play, prepare, shown_steps
from s2kit.errors import OutputError, S2KitError


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("demo") / "world", side=300, jobs=1)


def test_the_world_is_whole(world: Path) -> None:
    names = {path.name for path in world.iterdir()}
    assert names == {"scene", "bucket", "dataset", "settings.toml", "aoi.geojson", "parcels.geojson", "ndvi.json"}
    assert len(list(world.glob("bucket/*/products/*/*/*/*/productInfo.json"))) == 5
    assert [sight.path.name for sight in made(world)] == ["dataset", "parcels.geojson", "bucket"]


def test_the_world_is_kept(world: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*") if path.is_file()}
    prepare(world, side=300, jobs=1)
    assert before == {path: path.stat().st_mtime_ns for path in world.rglob("*") if path.is_file()}


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(OutputError, match="something else"):
        prepare(tmp_path, side=300)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_step_is_what_a_user_types() -> None:
    assert DemoStep("", ("search -f ids", "download -")).line == "s2kit search -f ids | s2kit download -"
    assert all(step.line.startswith("s2kit ") for step in STEPS)


def test_a_failing_step_says_how(world: Path) -> None:
    with pytest.raises(S2KitError, match=r"`s2kit search --aoi nowhere.geojson` ended with exit code \d+: .*nowhere"):
        play(DemoStep("", ("search --aoi nowhere.geojson",)), world)


def test_pipes_are_pipes(world: Path) -> None:
    played = play(
        DemoStep("", ("search --aoi aoi.geojson -f ids", "search --aoi aoi.geojson --level l1c -f ids")), world
    )
    assert len(played.output.splitlines()) == 2  # of L1C
    assert "MSIL1C" in played.output


def test_a_process_graph_is_the_last_step(world: Path) -> None:
    assert list(shown_steps()) == list(STEPS)
    download = next(step for step in STEPS if any("download" in command for command in step.commands))
    play(download, world)
    assert play(STEPS[-1], world).output == "ndvi.tif\n"
    assert (world / "ndvi.json").read_text().startswith('{\n  "process_graph"')
    assert [sight.what for sight in made(world) if sight.path.name == "ndvi.tif"]


def test_steps_without_their_packages_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2kit.demo.run.find_spec", lambda name: None)
    assert list(shown_steps()) == [step for step in STEPS if not step.needs]
