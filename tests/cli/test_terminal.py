"""What stderr carries: silence, lines or bars, and never a byte of the data."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.cli.terminal import listening, set_up_logging
from s2kit.demo.series import Scene
from s2kit.run.events import Advanced, DryRunSum, Event, Finished, ItemFailed, Note, Started, WorkPlanned
from support.screens import on_terminal

EVENTS: list[Event] = [
    WorkPlanned(2, 100),
    Started("a", 50),
    Advanced("a", 50),
    Finished("a", "50 B"),
    Note("ring mended"),
    Note("only 10 of 20", warning=True),
    ItemFailed("b", "no such band"),
    DryRunSum("3 chips, 1 MB"),
]


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (-2, []),
        (-1, ["s2kit: failed: b: no such band"]),
        (0, ["s2kit: warning: only 10 of 20", "s2kit: failed: b: no such band", "s2kit: 3 chips, 1 MB"]),
        (
            1,
            [
                "s2kit: render: a 50 B",
                "s2kit: note: ring mended",
                "s2kit: warning: only 10 of 20",
                "s2kit: failed: b: no such band",
                "s2kit: 3 chips, 1 MB",
            ],
        ),
    ],
)
def test_without_a_terminal_only_what_matters_is_said(
    verbosity: int, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(verbosity, "")
    with listening("render", verbosity=verbosity, progress=True) as report:
        for event in EVENTS:
            report(event)
    captured = capsys.readouterr()
    assert captured.err.splitlines() == expected
    assert captured.out == ""


def test_a_log_file_gets_every_item_with_its_time(tmp_path: Path) -> None:
    log = tmp_path / "s2kit.log"
    set_up_logging(0, str(log))
    with listening("render", verbosity=-2, progress=True) as report:
        for event in EVENTS:
            report(event)
    set_up_logging(0, "")
    lines = log.read_text().splitlines()
    assert [line.split(" ", 2)[1] for line in lines] == ["INFO", "INFO", "WARNING", "ERROR", "INFO"]
    assert lines[0].endswith("Z INFO render a 50 B")


SPEAKER = """
import sys, time
from s2kit.cli.output import write_line
from s2kit.cli.terminal import listening, set_up_logging
from s2kit.run.events import Advanced, Finished, Note, WorkPlanned
set_up_logging(0, "")
with listening("render", verbosity=0, progress=True) as report:
    report(WorkPlanned(4, what="pictures"))
    report(WorkPlanned(1, 1000))
    for n in range(4):
        time.sleep(0.25)
        write_line(f"line [red]{n}" + "x" * 100 * (n == 2))
        report(Advanced("a", 250))
        report(Finished(str(n)))
        if n == 1:
            report(Note("half of it"))
            report(WorkPlanned(2, what="pages"))
"""
SPOKEN = ["line [red]0", "line [red]1", "line [red]2" + "x" * 100, "line [red]3"]


def test_bars_on_a_terminal_swallow_no_data() -> None:
    parent, child = pty.openpty()
    result = subprocess.run([sys.executable, "-c", SPEAKER], stdout=subprocess.PIPE, stderr=child, text=True)
    os.close(child)
    drawn = os.read(parent, 65536).decode()
    os.close(parent)
    assert result.stdout.splitlines() == SPOKEN
    assert "/4" in drawn


def test_lines_stand_above_the_bars_when_stdout_is_the_same_terminal() -> None:
    seen = on_terminal([sys.executable, "-c", SPEAKER], columns=80)
    wrapped = [*SPOKEN[:2], "s2kit: note: half of it", SPOKEN[2][:80], SPOKEN[2][80:], SPOKEN[3]]
    assert seen.lines == wrapped
    drawn = [screen for screen in seen.moments if any("0/4" in line for line in screen)]
    assert drawn
    assert all(any("render pictures" in line and "ETA" in line for line in screen) for screen in drawn)
    for screen in seen.moments:  # one bar of each kind, and what was said before it is whole
        assert sum("render pictures" in line or "render pages" in line for line in screen) <= 1
        said = [line for line in screen if line.startswith("line")]
        assert said == wrapped[:2][: len(said)] or said[:2] == wrapped[:2]
    assert any("render pages" in line for screen in seen.moments for line in screen)


def test_real_verbs_on_a_terminal_show_what_they_print_into_a_pipe(scene: Scene, tmp_path: Path) -> None:
    s2kit = [sys.executable, "-m", "s2kit"]
    for words in (
        ["render", *map(str, scene.l2a), "--res", "60", "--jobs", "2", "--out", "{}"],
        ["verify", *map(str, scene.l2a), "--jobs", "2"],
    ):
        piped = subprocess.run([*s2kit, *(word.format("piped") for word in words)], cwd=tmp_path, capture_output=True)
        expected = piped.stdout.decode().replace("piped", "shown").splitlines()
        seen = on_terminal([*s2kit, *(word.format("shown") for word in words)], cwd=tmp_path, columns=160)
        assert seen.exit_code == 0
        assert [line for line in seen.lines if not line.startswith("s2kit: note")] == expected


def test_debug_lines_stand_above_the_bars_too() -> None:
    code = SPEAKER.replace('(0, "")', '(2, "")').replace("verbosity=0", "verbosity=2").replace("report(Advanced", "#")
    seen = on_terminal([sys.executable, "-c", code], columns=160)
    assert [line for line in seen.lines if "INFO render 3" in line]
    assert not [line for line in seen.lines if "━" in line]


def test_nothing_from_outside_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(0, "")
    with listening("search", verbosity=1, progress=False) as report:
        report(Note("\x1b]0;owned\x07 crop\nname \x9b31m", warning=True))
        report(ItemFailed("a\x1b[2J", "b\r"))
    assert capsys.readouterr().err.splitlines() == [
        r"s2kit: warning: \e]0;owned\x07 crop\nname \x9b31m",
        r"s2kit: failed: a\e[2J: b\r",
    ]
