import json
import os
import time

import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path))
    for name in ("index/a.idx", "chips/here/b.png", "products/c.json", "other/d"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"12345")
    old = time.time() - 40 * 86400
    os.utime(tmp_path / "chips/here/b.png", (old, old))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["cache", *words])


def test_show_says_how_much_is_kept(cache):
    found = [json.loads(line) for line in run("show", "-f", "jsonl").stdout.splitlines()]
    assert [(one["name"], one["files"], one["nbytes"]) for one in found] == [
        ("index", 1, 5),
        ("chips", 1, 5),
        ("products", 1, 5),
    ]
    assert found[1]["oldest_days"] == pytest.approx(40, abs=0.1)
    assert "index" in run("show").stdout


def test_clear_removes_what_is_named(cache):
    assert run("clear", "index").exit_code == 0
    assert not (cache / "index/a.idx").exists()
    assert (cache / "products/c.json").exists()
    assert run("clear").exit_code == 0
    assert not list(cache.rglob("c.json"))
    assert (cache / "other/d").exists()


def test_clear_keeps_what_is_young(cache):
    found = [json.loads(line) for line in run("clear", "--older-than", "30d", "-f", "jsonl").stdout.splitlines()]
    assert [one["files"] for one in found] == [0, 1, 0]
    assert (cache / "index/a.idx").exists()
    assert not (cache / "chips/here").exists()


def test_words_that_cannot_be_are_named(cache):
    assert run("clear", "--older-than", "soon").exit_code == ExitCode.USAGE
    result = run("show", "chip")
    assert result.exit_code == ExitCode.USAGE
    assert "there are index, chips, products" in result.stderr


def test_a_cache_that_is_not_there_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("S2KIT_CACHE_DIR", str(tmp_path / "none"))
    assert run("show").exit_code == 0
    assert run("clear").exit_code == 0
    assert not (tmp_path / "none").exists()
