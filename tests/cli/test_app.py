"""The frame: streams, exit codes, global options anywhere, signals and closed pipes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from s2kit import __version__
from s2kit.cli.app import app
from s2kit.cli.boundary import hoisted
from s2kit.errors import ExitCode
from s2kit.settings import CATALOGUES
from s2kit.store.archive import ARCHIVES

runner = CliRunner()


def s2kit(*words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "s2kit", *words], capture_output=True, text=True, **options)  # type: ignore[call-overload]


def test_version_is_one_line_on_stdout() -> None:
    result = s2kit("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"s2kit {__version__}\n", "")


def test_help_names_every_exit_code() -> None:
    text = " ".join(s2kit("--help").stdout.split())
    for code in ExitCode:
        assert f"{code.value} {code.meaning}" in text


def test_every_verb_has_help() -> None:
    verbs = list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert len(verbs) > 20
    for verb in verbs:
        result = runner.invoke(app, [verb, "--help"])
        assert result.exit_code == 0, verb
        assert len(result.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bands", "-q"], ["-q", "bands"]),
        (["bands", "--config", "a.toml", "-f", "csv"], ["--config", "a.toml", "bands", "-f", "csv"]),
        (["bands", "--dataset=x"], ["--dataset=x", "bands"]),
        (["bands", "--", "-q"], ["bands", "--", "-q"]),
        (["bands", "--config"], ["--config", "bands"]),
    ],
)
def test_global_options_may_stand_behind_the_verb(words: list[str], expected: list[str]) -> None:
    assert hoisted(words) == expected


def test_an_error_is_one_line_and_one_hint(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("jbos = 3")
    result = s2kit("config", "show", cwd=tmp_path)
    assert result.returncode == ExitCode.CONFIG
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "s2kit: error: settings.toml: no setting is called 'jbos'",
        "s2kit: hint: did you mean jobs?",
    ]
    assert s2kit("config", "show", "-qq", cwd=tmp_path).stderr == ""
    assert "Traceback" in s2kit("config", "show", "-vv", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("words", "named", "asked"),
    [
        (("config", "--nonsense"), "--nonsense", "s2kit config --help"),
        (("config", "shwo"), "'shwo'. Did you mean 'show'?", "s2kit config --help"),
        (("rendr",), "'rendr'. Did you mean 'render'?", "s2kit --help"),
        (("--nonsense", "config"), "--nonsense", "s2kit --help"),
        (("render", "--jobs", "many"), "'--jobs' / '-j'", "s2kit render --help"),
        (("stats", "--format", "x"), "'-f': 'x' is not one of 'table'", "s2kit stats --help"),
        (("render", "--bbox", "1", "2"), "4 values, not 2", "s2kit render --help"),
    ],
)
def test_usage_errors_are_one_line_and_one_hint_too(words: tuple[str, ...], named: str, asked: str) -> None:
    result = s2kit(*words)
    assert result.returncode == ExitCode.USAGE
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("s2kit: error: ")
    assert named in error
    assert hint == f"s2kit: hint: {asked} lists the options"


def test_no_words_at_all_get_the_help() -> None:
    result = s2kit()
    assert result.returncode == ExitCode.USAGE
    assert "Commands:" in result.stdout + result.stderr


def test_config_show_tells_origins(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("jobs = 3")
    result = s2kit("config", "show", "--origin", cwd=tmp_path, env={**os.environ, "S2KIT_LEVEL": "l1c"})
    lines = result.stdout.splitlines()
    assert "jobs = 3  # settings.toml" in lines
    assert 'level = "l1c"  # environment' in lines
    assert 'catalogue = "earth-search"  # built-in' in lines
    record = json.loads(s2kit("config", "show", "--origin", "-f", "json", cwd=tmp_path).stdout)
    assert record["jobs"] == {"value": 3, "origin": "settings.toml"}


def test_config_init_makes_files_that_work_and_never_overwrites(tmp_path: Path) -> None:
    assert s2kit("config", "init", cwd=tmp_path).returncode == 0
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0  # keys go into it
    assert (tmp_path / "settings.toml").is_file()
    shown = s2kit("config", "show", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    before = (tmp_path / "settings.toml").read_bytes()
    again = s2kit("config", "init", cwd=tmp_path)
    assert again.returncode == ExitCode.OUTPUT
    assert "--overwrite" not in again.stderr, "there is no such option"
    assert "s2kit config init DIR" in again.stderr
    assert (tmp_path / "settings.toml").read_bytes() == before
    (tmp_path / "settings.toml").unlink()
    assert s2kit("config", "init", cwd=tmp_path).returncode == ExitCode.OUTPUT
    assert not (tmp_path / "settings.toml").exists(), "either both files or none"


def test_config_path_marks_what_is_missing(tmp_path: Path) -> None:
    lines = s2kit("config", "path", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == 2
    assert all(line.endswith("(not there)") for line in lines)


def test_doctor_offline_is_happy_here() -> None:
    result = s2kit("doctor", "--offline", "-f", "jsonl")
    assert result.returncode == 0, result.stdout + result.stderr
    checks = {record["check"]: record for record in map(json.loads, result.stdout.splitlines())}
    assert checks["jpeg 2000 driver"]["state"] == "ok"
    assert checks["s2kit"]["detail"] == __version__


def test_doctor_names_services_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        "".join(
            f'[{table}.{name}]\n{key} = "http://127.0.0.1:9"\n'
            for table, key, names in (
                ("catalogues", "url", CATALOGUES),
                ("archives", "endpoint_url", ARCHIVES),
            )
            for name in names
        )
    )
    result = s2kit("doctor", cwd=tmp_path)
    assert result.returncode == ExitCode.SERVICE
    assert "catalogue cdse" in result.stderr


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m s2kit config show | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] in {"0", "141"}


def test_requests_are_logged(tmp_path: Path) -> None:
    result = s2kit("doctor", "--offline", "--log-requests", "requests.jsonl", cwd=tmp_path)
    assert result.returncode == 0
    line = json.loads((tmp_path / "requests.jsonl").read_text())
    assert line["verb"] == "doctor"
    assert line["arguments"][:2] == ["doctor", "--offline"]
    assert line["exit"] == 0


SLEEPER = """
import sys, time
from s2kit.cli.app import app, main
from s2kit.run.files import atomic_file
from pathlib import Path
@app.command()
def sleep() -> None:
    with atomic_file(Path("out.bin")) as part:
        part.write_bytes(b"half")
        print("ready", flush=True)
        time.sleep(60)
sys.argv = ["s2kit", "sleep"]
main()
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, ExitCode.TERMINATED), (signal.SIGINT, ExitCode.INTERRUPTED)]
)
def test_signals_leave_nothing_half_written(tmp_path: Path, number: signal.Signals, code: ExitCode) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_settings_with_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xef\xbb\xbfjobs = 3\r\n")
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfS2KIT_LIMIT=7\r\n")
    lines = s2kit("config", "show", "--origin", cwd=tmp_path).stdout.splitlines()
    assert "jobs = 3  # settings.toml" in lines
    assert "limit = 7  # .env" in lines


def test_a_log_file_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    done = s2kit("bands", "--log-file", str(tmp_path), cwd=tmp_path)
    assert done.returncode != 0
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] in (["s2kit:"], ["s2kit:", "s2kit:"])
