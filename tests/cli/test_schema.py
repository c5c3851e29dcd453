"""Schemas: every JSON that s2kit prints has one, they are exact, and none changes without a new version.

That the output of all other tests keeps to them is seen to by `support/schemas.py`, for which `conftest.py` asks.
"""

import copy
import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from s2kit.cli import bands
from s2kit.cli.app import app
from s2kit.cli.schemas.find import SCHEMAS, schema_of
from s2kit.cli.schemas.versions import VERSIONS
from s2kit.openeo.job import NewJob
from s2kit.openeo.job_log import LogLine, append_line
from s2kit.openeo.job_store import LOG, JobStore
from support import schema_lock, schemas
from support.schemas import check_value, wanted_of

ALL = [(name, form) for name, one in SCHEMAS.items() for form in one.formats]
FILES = {"chips-page", "download-item", "download-record", "log-requests"}


@pytest.mark.parametrize(("name", "form"), ALL)
def test_each_schema_is_one(name, form):
    schema = schema_of(name, form)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith(f"urn:s2kit:schema:{name}:{VERSIONS[name]}")
    assert schema["description"].endswith(".")


def test_names_are_unique_and_every_version_is_that_of_a_schema():
    assert len({schema_of(name, form)["$id"] for name, form in ALL}) == len(ALL)
    assert set(VERSIONS) == set(SCHEMAS)


def parts(schema):
    yield schema
    for key, value in schema.items():
        if key == "properties":
            for one in value.values():
                yield from parts(one)
        elif key == "anyOf":
            for one in value:
                yield from parts(one)
        elif key in {"items", "additionalProperties"} and isinstance(value, dict):
            yield from parts(value)


@pytest.mark.parametrize(("name", "form"), ALL)
def test_every_key_is_described(name, form):
    silent = [
        key
        for part in parts(schema_of(name, form))
        for key, one in part.get("properties", {}).items()
        if not {"description", "const"} & set(one)
    ]
    assert not silent


def test_a_schema_changes_only_with_its_version():
    lock = json.loads(schema_lock.LOCK.read_text(encoding="utf-8"))
    now = schema_lock.entries()
    assert not schema_lock.changed(lock, now)
    assert lock == now, f"write the lock again with: {schema_lock.COMMAND}"


def test_the_lock_sees_a_change_of_shape_and_none_of_words():
    old = {form: schema_of("stats", form) for form in SCHEMAS["stats"].formats}
    reworded, renamed = copy.deepcopy(old), copy.deepcopy(old)
    reworded["jsonl"]["properties"]["pid"]["description"] = "Another word."
    renamed["jsonl"]["properties"]["description"] = renamed["jsonl"]["properties"].pop("pid")
    assert schema_lock.mark(reworded) == schema_lock.mark(old) != schema_lock.mark(renamed)
    one, other = {"version": 1, "shape": "a"}, {"version": 1, "shape": "b"}
    assert schema_lock.changed({"x": one}, {"x": other}) == [
        "x: the schema changed; its version in cli/schemas/versions.py must grow"
    ]
    assert not schema_lock.changed({"x": one}, {"x": other | {"version": 2}})
    assert schema_lock.changed({"x": one}, {}) == ["x: the schema is gone"]


@pytest.mark.parametrize(
    ("line", "name", "form"),
    [
        ("bands -f json", "bands", "json"),
        ("bands -o b.jsonl", "bands", "jsonl"),
        ("-q cache show -f json", "cache", "json"),
        ("cache clear -f jsonl", "cache", "jsonl"),
        ("chips --lon 1 --lat 2 -f geojson", "chips", "geojson"),
        ("chips --lon 1 --lat 2 --list -f json", "chips-list", "json"),
        ("chips --lon 1 --lat 2 --raw", "chips-raw", "json"),
        ("collections -f json", "collections", "json"),
        ("collections SENTINEL2_L2A", "collection", "json"),
        ("config show -f json", "config", "json"),
        ("doctor --offline -f json", "doctor", "json"),
        ("download NAME -f json", "download", "json"),
        ("download NAME -n -f jsonl", "download-plan", "jsonl"),
        ("info . -f json --config x.toml", "info", "json"),
        ("jobs list -f json", "jobs", "json"),
        ("jobs show 1", "jobs-show", "json"),
        ("jobs logs 1 -f jsonl", "jobs-logs", "jsonl"),
        ("jobs results 1 -f json", "jobs-results", "json"),
        ("parcels --parcels p.geojson -f json", "parcels", "json"),
        ("parcels --parcels p.geojson --lists", "parcels-lists", "json"),
        ("pixels a.jp2", "pixels", "json"),
        ("pixels a.jp2 -f stats", "pixels-stats", "stats"),
        ("pixels a.jp2 -n -f json", "pixels-plan", "json"),
        ("processes -f json", "processes", "json"),
        ("processes add", "process", "json"),
        ("render --list json", "render", "json"),
        ("schema -f json", "schema", "json"),
        ("search --tile 31TCJ --range 2020-01-01 2020-01-02 -f json", "search", "json"),
        ("search --tile 31TCJ --audit -f jsonl", "search-audit", "jsonl"),
        ("search --tile 31TCJ -f stac", "search-stac", "stac"),
        ("serve user list -f json", "serve-users", "json"),
        ("stats --parcels p.geojson -f json", "stats", "json"),
        ("stats --parcels p.geojson --clear -f json", "stats-clear", "json"),
        ("validate g.json -f json", "validate", "json"),
        ("verify a.SAFE -f json", "verify", "json"),
        ("verify a.SAFE --files -f json", "verify-files", "json"),
    ],
)
def test_each_line_is_held_against_its_schema(line, name, form):
    wanted = wanted_of(line.split())
    assert wanted is not None
    assert (wanted.name, wanted.form) == (name, form)


def test_there_is_a_line_for_each_schema():
    (lines,) = (mark.args[1] for mark in test_each_line_is_held_against_its_schema.pytestmark)
    assert {name for _, name, _ in lines} | FILES == set(SCHEMAS)


@pytest.mark.parametrize("line", ["bands", "bands -f csv", "search -f ids", "render", "chips --lon 1 --lat 2", "cube"])
def test_lines_without_json_are_not(line):
    assert wanted_of(line.split()) is None


def test_an_output_with_another_key_fails_the_test_that_made_it(monkeypatch):
    records = bands.records
    monkeypatch.setattr(bands, "records", lambda: ({**one, "new": 1} for one in records()))
    with pytest.raises(AssertionError, match="'new' was unexpected"):
        CliRunner().invoke(app, ["bands", "-f", "jsonl"])


def test_the_output_of_a_child_process_is_checked_too(tmp_path):
    code = "print('{}')"
    (tmp_path / "s2kit").write_text(f"#!{sys.executable}\n{code}\n")
    (tmp_path / "s2kit").chmod(0o755)
    with pytest.raises(AssertionError, match="is a required property"):
        subprocess.run([tmp_path / "s2kit", "bands", "-f", "json"], capture_output=True)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("bands -f json --log-requests runs.jsonl", "log-requests"),
        ("collections -f json", "collections"),
        ("collections -f jsonl", "collections"),
        ("collections SENTINEL2_L2A", "collection"),
        ("jobs list -f json", "jobs"),
        ("jobs logs {job} -f json", "jobs-logs"),
        ("jobs show {job} -f jsonl", "jobs-show"),
        ("processes -f json", "processes"),
        ("processes -f jsonl", "processes"),
        ("processes ndvi", "process"),
        ("schema -f jsonl", "schema"),
        ("search --catalogue local --tile 31TCJ --level l1c -f stac", "search-stac"),
        ("search --catalogue local --tile 31TCJ --level l1c -o found.geojson", "search"),
        ("serve user list --state state -f json", "serve-users"),
        ("verify {product} --files -f json", "verify-files"),
    ],
)
def test_outputs_that_few_other_tests_make(line, name, scene, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2KIT_DATASET", str(scene.folder))
    monkeypatch.setenv("S2KIT_JOB_STORE", str(tmp_path / "jobs"))
    store = JobStore(tmp_path / "jobs", 1)
    job = store.create(NewJob(body={"a": {"process_id": "pi", "arguments": {}, "result": True}}))
    store.folder(job.id).mkdir(parents=True, exist_ok=True)
    append_line(store.folder(job.id) / LOG, LogLine.of("info", "made"))
    checked = []
    monkeypatch.setattr(
        schemas, "check_value", lambda value, *which: checked.append(which) or check_value(value, *which)
    )
    done = CliRunner().invoke(app, line.format(job=job.id, product=scene.l1c[0]).split())
    assert done.exit_code == 0, done.output
    assert name in {one for one, _ in checked}


def test_half_a_document_is_none():
    with pytest.raises(AssertionError):
        check_value({"schema": 1}, "bands", "json")


def run(*words):
    return CliRunner().invoke(app, ["schema", *words])


def test_the_verb_prints_what_programs_read():
    assert json.loads(run("search").stdout) == schema_of("search", "json")
    assert json.loads(run("search", "--of", "jsonl").stdout) == schema_of("search", "jsonl")
    listed = json.loads(run("-f", "json").stdout)["items"]
    assert [one["name"] for one in listed] == sorted(SCHEMAS)


def test_what_there_is_not_is_said(tmp_path):
    wrong = run("serch")
    assert (wrong.exit_code, wrong.stdout) == (66, "")
    assert "did you mean search?" in wrong.stderr
    assert run("config", "--of", "csv").exit_code == 2
    assert "there are json" in run("config", "--of", "csv").stderr
    assert run("--of", "json").exit_code == 2
    assert run("search", "-o", str(tmp_path / "search.json")).exit_code == 0
    assert json.loads((tmp_path / "search.json").read_text()) == schema_of("search")
