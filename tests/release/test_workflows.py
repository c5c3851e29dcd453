"""Workflows of the repository: what may write is named, what is used has a version, and no package index is addressed."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".github" / "workflows"
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yml"))
}
STEPS = [
    (name, step) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"].values() for step in job["steps"]
]
SCRIPTS = ("run", "package")
INDEX = re.compile(r"https?://(?!127\.0\.0\.1)|index-url|find-links", re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_nothing_may_write_that_is_not_named(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"]
    rights = {(right, job) for job, parts in workflow["jobs"].items() for right in parts["permissions"].items()}
    writing = {(right[0], job) for right, job in rights if right[1] == "write"}
    expected = {("id-token", "publish"), ("attestations", "publish"), ("contents", "announce")}
    assert writing == (expected if name == "release" else set())


@pytest.mark.parametrize(("name", "step"), [pair for pair in STEPS if "uses" in pair[1]], ids=str)
def test_what_is_used_has_a_version(name: str, step: dict[str, Any]) -> None:
    action, _, version = step["uses"].partition("@")
    assert re.fullmatch(r"v\d+(\.\d+)*" if action.startswith("actions/") else r"[0-9a-f]{40}", version)
    if action == "actions/checkout":
        assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("name", "step"), [pair for pair in STEPS if "run" in pair[1]], ids=str)
def test_commands_are_those_of_the_project(name: str, step: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "step"
    script.write_text(step["run"])
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert "${{" not in step["run"], "names from outside go through the environment"
    for file in re.findall(r"\.ci/\w+(?:\.py)?", step["run"]):
        assert (PROJECT / file).is_file()


def test_the_release_is_built_apart_from_where_it_is_published() -> None:
    jobs = WORKFLOWS["release"]["jobs"]
    assert [job.get("needs") for job in jobs.values()] == [None, "build", "publish"]
    assert jobs["publish"]["environment"] == "release"
    assert not any("run" in step for step in jobs["publish"]["steps"]), "no command runs where the index trusts"
    assert any(step.get("run") == ".ci/run" for step in jobs["build"]["steps"])
    assert any(step.get("run") == ".ci/run" for step in WORKFLOWS["ci"]["jobs"]["check"]["steps"])


def test_files_that_are_published_are_those_that_are_built() -> None:
    uploads = [step["with"]["path"] for _, step in STEPS if "upload-artifact" in step.get("uses", "")]
    named = set(re.findall(r"out/[\w.]+", str([step for _, step in STEPS])))
    assert named == {line.strip().rstrip("/") for line in uploads[0].splitlines()} | {"out/dist"}
    made = set(re.findall(r'"\$out/?"?/?([\w.]+)', (PROJECT / ".ci" / "package").read_text(encoding="utf-8")))
    assert {name.removeprefix("out/") for name in named} <= made


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound_and_can_be_run(script: str) -> None:
    path = PROJECT / ".ci" / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert path.stat().st_mode & 0o111


@pytest.mark.parametrize(
    "path",
    [
        *sorted(FOLDER.glob("*")),
        *(PROJECT / ".ci" / name for name in SCRIPTS),
        *(PROJECT / name for name in ("Dockerfile", "recipe/recipe.yaml", "pyproject.toml", "constraints.txt")),
    ],
    ids=lambda path: path.name,
)
def test_no_package_index_is_addressed(path: Path) -> None:
    assert not INDEX.search(path.read_text(encoding="utf-8"))
