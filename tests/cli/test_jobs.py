import json

import pytest
from typer.testing import CliRunner

from s2kit.cli.app import app
from s2kit.errors import ExitCode


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.setenv("S2KIT_JOB_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def jobs(*words, **more):
    return CliRunner().invoke(app, ["jobs", *words], **more)


def test_the_life_of_a_render_job(scene, tmp_path):
    (tmp_path / "job.json").write_text(
        '{"res_list": "60,20", "r_list": "B04,B04", "g_list": "B03,B03", "b_list": "B02,B02"}'
    )
    made = jobs("create", "--render", "job.json", "--title", "two", f"--option={scene.l2a[0]}")
    job_id = made.stdout.strip()
    assert (made.exit_code, job_id[:2]) == (0, "j-")
    assert json.loads(jobs("list", "-f", "jsonl").stdout)["status"] == "created"
    assert jobs("results", job_id).exit_code == ExitCode.TRY_LATER
    ended = jobs("start", job_id[:10], "--wait", "-f", "jsonl")
    assert (ended.exit_code, json.loads(ended.stdout)["status"]) == (0, "finished")
    first, second = jobs("results", job_id).stdout.splitlines()[:2]
    listed = json.loads(jobs("results", job_id, "-f", "json").stdout)["items"]
    assert listed[0] == {"job": job_id, "path": first}
    assert "60m" in first
    assert "20m" in second
    assert json.loads(jobs("show", job_id).stdout)["items"][0]["batch"]["res_list"] == "60,20"
    assert "finished" in jobs("logs", job_id).stdout
    assert jobs("update", job_id, "--title", "three").exit_code == 0
    assert "three" in jobs("list").stdout
    assert jobs("delete", job_id).exit_code == 0
    assert jobs("list").stdout == ""


def test_a_job_that_fails_decides_the_exit_code(tmp_path):
    (tmp_path / "job.json").write_text('[{"bands": "B04"}]')
    job_id = jobs("create", "--render", "job.json", "--option=gone.SAFE").stdout.strip()
    failed = jobs("start", job_id, "--wait")
    assert failed.exit_code == ExitCode.INPUT
    assert "gone.SAFE" in failed.stderr
    assert f"hint: s2kit jobs logs {job_id}" in failed.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("create",), ExitCode.USAGE, "name GRAPH.json, or --render"),
        (("create", "gone.json"), ExitCode.NOT_FOUND, "gone.json: there is no such file"),
        (("create", "list.json"), ExitCode.INPUT, "a JSON object is expected, not list"),
        (("create", "broken.json"), ExitCode.INPUT, "broken.json: not JSON"),
        (("create", "deep.json"), ExitCode.INPUT, "deep.json: not JSON"),
        (("create", "nested.json"), ExitCode.INPUT, "nested 300 deep"),
        (("create", "--render", "list.json"), ExitCode.INPUT, "list.json: entry 1: 1 is no object"),
        (("create", "good.json", "--max-memory", "much"), ExitCode.USAGE, "'much' is no size"),
        (("show", "j-0"), ExitCode.NOT_FOUND, "there is no job 'j-0'"),
        (("stop", "../x"), ExitCode.NOT_FOUND, "there is no job '../x'"),
    ],
)
def test_bad_input_is_one_line(tmp_path, words, code, text):
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "good.json").write_text("{}")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "deep.json").write_text('{"a":' * 5000 + "1" + "}" * 5000)
    (tmp_path / "nested.json").write_text('{"a":' * 300 + "1" + "}" * 300)
    result = jobs(*words)
    assert (result.exit_code, text in result.stderr) == (code, True), result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert jobs("list").stdout == ""


def test_a_graph_may_come_from_a_pipe():
    job_id = jobs("create", "-", input='{"title": "t", "process": {"process_graph": {}}}').stdout.strip()
    shown = json.loads(jobs("show", job_id).stdout)["items"][0]
    assert (shown["title"], shown["process"]) == ("t", {"process_graph": {}})
