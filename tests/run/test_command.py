"""Pipelines of s2kit commands: joined, stopped at the first failure, deaf to the user's variables."""

from pathlib import Path

import pytest

from s2kit.run.command import run_pipeline


def test_one_command(tmp_path: Path) -> None:
    done = run_pipeline([["--version"]], tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("s2kit ")


def test_the_first_failure_ends_the_pipeline(tmp_path: Path) -> None:
    done = run_pipeline([["info", "nowhere.SAFE"], ["--version"]], tmp_path)
    assert done.exit_code == 66
    assert "nowhere.SAFE" in done.stderr
    assert done.stdout == ""


def test_settings_of_the_folder_count_and_variables_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").write_text("jobs = 3\n")
    monkeypatch.setenv("S2KIT_JOBS", "7")
    done = run_pipeline([["config", "show"]], tmp_path)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("jobs"))
    assert line.split()[-1] == "3"
