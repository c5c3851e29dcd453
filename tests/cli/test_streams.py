"""Standard streams that are closed or full, and Ctrl-C from the first instruction on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

S2KIT = f"exec {sys.executable} -m s2kit"


def shell(line: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(line, shell=True, cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "words", ["bands", "bands -f jsonl", "--help", "bands --help", "--version", "config show", "cache show"]
)
@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_an_answer_that_nobody_gets_is_a_failure(words: str, where: str, tmp_path: Path) -> None:
    if where == "> /dev/full" and not Path("/dev/full").exists():
        return
    done = shell(f"{S2KIT} {words} {where}", tmp_path)
    assert done.returncode == 74, done.stderr
    assert done.stderr.startswith("s2kit: error: stdout: ")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "download -",
        "render - --batch x.json",
        "chips --points -",
        "pixels --request -",
        "verify -",
        "run -",
        "validate -",
    ],
)
def test_a_closed_stdin_is_no_empty_one(words: str, tmp_path: Path) -> None:
    done = shell(f"{S2KIT} {words} <&-", tmp_path)
    assert done.returncode == 74, done.stderr
    assert done.stderr.startswith("s2kit: error: stdin: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("where", ["2>&-", "2> /dev/full"])
def test_a_run_that_cannot_complain_goes_on(where: str, tmp_path: Path) -> None:
    assert shell(f"{S2KIT} bands {where}", tmp_path).returncode == 0
    assert shell(f"{S2KIT} info nothing.SAFE {where}", tmp_path).returncode == 66
    assert shell(f"{S2KIT} bands --no-such-option {where}", tmp_path).returncode == 2
    everything = shell(f"{S2KIT} info nothing.SAFE <&- >&- 2>&-", tmp_path)
    assert everything.returncode == 66


def test_no_file_gets_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    done = shell(f"{S2KIT} bands -f ids -o out.txt -vv 2>&-; cat out.txt", tmp_path)
    assert "B04" in done.stdout.splitlines() or done.stdout == ""
    assert "DEBUG" not in done.stdout


def test_the_reader_of_the_answer_goes_away(tmp_path: Path) -> None:
    for words in ("bands", "--help"):
        done = shell(f"bash -c 'set -o pipefail; sleep 0.1; {S2KIT[5:]} {words} | true'", tmp_path)
        assert done.returncode in {0, 141}
        assert done.stderr == ""


STARTED = """
import os, sys
os.write(2, b".")
sys.argv = ["s2kit", *sys.argv[1:]]
from s2kit.cli.start import main
import s2kit.cli.start as start
heed = start._heed_early
def heeded():
    heed()
    os.write(2, b"!")
start._heed_early = heeded
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_while_modules_load(number: signal.Signals, tmp_path: Path) -> None:
    """From our first instruction on: at eleven moments of a run that loads all there is to load."""
    code = 130 if number == signal.SIGINT else 143
    codes = set()
    for step in range(11):
        with subprocess.Popen(
            [sys.executable, "-c", STARTED, "doctor", "--offline"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stderr is not None
            assert process.stderr.read(2) == b".!"
            time.sleep(step * 0.05)
            process.send_signal(number)
            errors = process.stderr.read().decode()
            process.wait(20)
        codes.add(process.returncode)
        assert process.returncode in {code, 0}, errors  # 0: it was done before
        assert "Traceback" not in errors
        assert "Error" not in errors
        assert "error" not in errors
    assert code in codes


def test_an_ignored_interrupt_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen([sys.executable, "-m", "s2kit", "bands"], cwd=tmp_path, stdout=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert b"B04" in process.communicate(timeout=30)[0]
    assert process.returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        "info {}",
        "render {}",
        "verify {}",
        "chips --points {}",
        "pixels {}",
        "bands -o {}",
        "stats --parcels {}",
        "search --aoi {}",
    ],
)
def test_a_name_that_no_file_system_takes(words: str, tmp_path: Path) -> None:
    done = shell(f"{S2KIT} {words.format('n' * 300 + '.jp2')}", tmp_path)
    assert done.returncode in {2, 65, 66}, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal" not in done.stderr


def test_workers_inherit_a_closed_stream(tmp_path: Path, scene: Any) -> None:
    """A worker without stderr ends before its first task, and the first file that it opens would be its stdout."""
    words = f"stats {scene.l2a[0]} --parcels {scene.parcels} --pid 1 -f ids --jobs 2"
    done = shell(f"{S2KIT} {words} 2>&-", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{scene.l2a[0].name.removesuffix('.SAFE')}\n")
    done = shell(f"{S2KIT} {words} -o ids.txt >&- <&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupt_in_the_import_of_a_compiled_module_is_no_traceback(tmp_path: Path, scene: Any) -> None:
    """Shapely's compiled part imports numpy, and prints what comes out of that before it raises an error of its own."""
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    words = f"stats {scene.l2a[0]} --parcels {scene.parcels} --pid 1"
    done = shell(f"export PYTHONPATH={tmp_path}; {S2KIT} {words}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "s2kit: interrupted\n")
