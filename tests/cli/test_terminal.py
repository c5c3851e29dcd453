"""What stderr carries: silence, lines or bars, and never a byte of the data."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from s2kit.cli.terminal import listening, set_up_logging
from s2kit.run.events import Advanced, Event, Finished, ItemFailed, Note, Started, WorkPlanned

EVENTS: list[Event] = [
    WorkPlanned(2, 100),
    Started("a", 50),
    Advanced("a", 50),
    Finished("a", "50 B"),
    Note("ring mended"),
    Note("only 10 of 20", warning=True),
    ItemFailed("b", "no such band"),
]


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (-2, []),
        (-1, ["s2kit: failed: b: no such band"]),
        (0, ["s2kit: warning: only 10 of 20", "s2kit: failed: b: no such band"]),
        (
            1,
            [
                "s2kit: render: a 50 B",
                "s2kit: note: ring mended",
                "s2kit: warning: only 10 of 20",
                "s2kit: failed: b: no such band",
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
    assert [line.split(" ", 2)[1] for line in lines] == ["INFO", "INFO", "WARNING", "ERROR"]
    assert lines[0].endswith("Z INFO render a 50 B")


SPEAKER = """
import sys
from s2kit.cli.terminal import listening, set_up_logging
from s2kit.run.events import Finished, WorkPlanned
set_up_logging(0, "")
with listening("render", verbosity=0, progress=True) as report:
    report(WorkPlanned(3))
    for n in range(3):
        print(f"line [red]{n}", flush=True)
        report(Finished(str(n)))
"""


def test_bars_on_a_terminal_swallow_no_data() -> None:
    parent, child = pty.openpty()
    result = subprocess.run([sys.executable, "-c", SPEAKER], stdout=subprocess.PIPE, stderr=child, text=True)
    os.close(child)
    drawn = os.read(parent, 65536).decode()
    os.close(parent)
    assert result.stdout.splitlines() == ["line [red]0", "line [red]1", "line [red]2"]
    assert "/3" in drawn
