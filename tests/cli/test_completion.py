"""Completion: what a shell is offered, by the protocol that its script speaks, and in a real bash."""

import os
import pty
import subprocess
import sys

import pytest
from typer.completion import get_completion_script

from s2kit.cli.completion import _NAMES
from s2kit.openeo.job import NewJob
from s2kit.openeo.job_store import JobStore
from s2kit.picture.indices import INDICES
from s2kit.picture.recipes import RECIPES
from s2kit.product.bands import BANDS, LAYERS
from s2kit.settings import CATALOGUES
from s2kit.store.archive import ARCHIVES

# pydantic is not among them: Typer reads every command line with it
HEAVY = ("numpy", "rasterio", "shapely", "boto3", "rich", "requests", "orjson")
PROGRAM = "import sys; sys.argv[0] = 's2kit'; from s2kit.cli.start import main\ntry: main()\nfinally: "


def ask(line, *, cwd, shell="bash", tail="pass", **environment):
    """The answer of s2kit to a shell in which a line was typed."""
    words = line.split(" ")
    protocol = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, **protocol, "_S2KIT_COMPLETE": f"complete_{shell}", **environment}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + tail], capture_output=True, text=True, cwd=cwd, env=environment
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("s2kit ren", {"render"}),
        ("s2kit cache ", {"show", "clear"}),
        ("s2kit serve user a", {"add"}),
        ("s2kit render --ov", {"--overwrite"}),
        ("s2kit render --bands B8", {"B8A"}),
        ("s2kit render --bands B04,B8", {"B04,B8A"}),
        ("s2kit stats --layer SC", {"SCL"}),
        ("s2kit pixels --band WV", {"WVP"}),
        ("s2kit render --index ndv", {"ndvi"}),
        ("s2kit render --recipe true", {"true-color"}),
        ("s2kit render --composite med", {"median"}),
        ("s2kit download --archive gc", {"gcp"}),
        ("s2kit download --archive=gc", {"gcp"}),
        ("s2kit search --catalogue planet", {"planetary-computer"}),
        ("s2kit search --level ", {"l2a", "l1c"}),
        ("s2kit search -f geo", {"geojson"}),
        ("s2kit render --format w", {"webp"}),
        ("s2kit search --bbox 1 2 --dedupe n", {"newest", "none"}),
        ("s2kit schema search-a", {"search-audit"}),
        ("s2kit processes ndv", {"ndvi"}),
        ("s2kit cache show i", {"index"}),
        ("s2kit search --aoi ", set()),
    ],
)
def test_names_that_s2kit_knows(line, offered, tmp_path):
    assert set(ask(line, cwd=tmp_path)) == (offered or {""})


def test_products_of_the_dataset_folder(scene, tmp_path):
    names = {path.name.removesuffix(".SAFE") for path in (*scene.l1c, *scene.l2a)}
    assert set(ask(f"s2kit --dataset {scene.folder} render S2", cwd=tmp_path)) == names
    assert set(ask(f"s2kit render --dataset {scene.folder} S2A_MSIL1C", cwd=tmp_path)) == {
        name for name in names if "L1C" in name
    }
    (tmp_path / "settings.toml").write_text(f'dataset = "{scene.folder}"')
    assert set(ask("s2kit info ", cwd=tmp_path)) == names
    nested = tmp_path / "2024" / "farm" / "S2A_MSIL2A_20240419T105031_N0510_R051_T31TCJ_20240419T160739.zip"
    nested.parent.mkdir(parents=True)
    nested.touch()
    assert ask("s2kit --dataset . chips ", cwd=tmp_path) == [nested.stem]


def test_what_the_settings_add(tmp_path):
    (tmp_path / "settings.toml").write_text(
        '[archives.ours]\naddress = "s3://bucket"\n[catalogues.house]\nurl = "http://127.0.0.1:1"\n'
    )
    trusted = {"S2KIT_TRUSTED_FOLDERS": str(tmp_path)}
    assert ask("s2kit download --archive o", cwd=tmp_path, **trusted) == ["ours"]
    assert ask("s2kit search --catalogue h", cwd=tmp_path, **trusted) == ["house"]
    (tmp_path / "settings.toml").write_text("not toml")
    assert ask("s2kit download --archive gc", cwd=tmp_path) == ["gcp"]


def test_jobs_by_their_ids(tmp_path):
    assert ask("s2kit jobs show ", cwd=tmp_path, S2KIT_JOB_STORE=str(tmp_path / "none")) == [""]
    job = JobStore(tmp_path / "jobs", 1).create(NewJob(body={"a": {"process_id": "pi", "arguments": {}}}))
    assert ask("s2kit jobs show ", cwd=tmp_path, S2KIT_JOB_STORE=str(tmp_path / "jobs")) == [job.id]


def test_other_shells_get_what_each_name_means(tmp_path):
    assert ask("s2kit search --catalogue ls", cwd=tmp_path, shell="zsh") == ["_files"]
    (line,) = ask("s2kit render --bands SC", cwd=tmp_path, shell="fish")
    assert line == f"SCL\t{LAYERS['SCL'].title}"
    answer = "\n".join(ask("s2kit render --bands SC", cwd=tmp_path, shell="zsh"))
    assert answer == f"""_arguments '*: :(("SCL":"{LAYERS["SCL"].title}"))'"""


@pytest.mark.parametrize("line", ["s2kit ", "s2kit render --bands ", "s2kit render --archive ", "s2kit render S"])
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_nothing_heavy_is_loaded(line, shell, tmp_path):
    tail = f"print('loaded', *[name for name in {HEAVY} if name in sys.modules])"
    assert ask(line, cwd=tmp_path, shell=shell, tail=tail)[-1] == "loaded"


def test_every_table_is_offered_whole(tmp_path):
    for line, names in {
        "s2kit render --bands ": {*BANDS, *LAYERS},
        "s2kit render --index ": set(INDICES),
        "s2kit render --recipe ": set(RECIPES),
        "s2kit render --archive ": set(ARCHIVES),
        "s2kit search --catalogue ": set(CATALOGUES),
    }.items():
        assert names <= set(ask(line, cwd=tmp_path)), line


def test_every_rule_is_of_an_option_or_argument_that_exists():
    from typer.main import get_command

    from s2kit.cli.app import app

    def keys(command):
        for below in getattr(command, "commands", {}).values():
            yield from keys(below)
        for one in command.params:
            yield from (*one.opts, one.name, f"{command.name} {one.name}")

    assert set(_NAMES) <= set(keys(get_command(app)))


def test_a_real_bash_completes(tmp_path):
    (tmp_path / "s2kit.bash").write_text(script_of("bash"))
    program = tmp_path / "bin" / "s2kit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m s2kit "$@"\n')
    program.chmod(0o755)
    (tmp_path / "rc").write_text(f"PS1='> '\nPATH={program.parent}:$PATH\nsource {tmp_path}/s2kit.bash\n")
    parent, child = pty.openpty()
    process = subprocess.Popen(
        ["bash", "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"],
        stdin=child, stdout=child, stderr=child, cwd=tmp_path, start_new_session=True,
        env={**os.environ, "TERM": "dumb", "COLUMNS": "200", "HISTFILE": ""},
    )  # fmt: skip
    os.close(child)
    try:
        read_until(parent, "> ")
        os.write(parent, b"s2kit render --recipe true\t")
        read_until(parent, "true-color ")
        os.write(parent, b"--bands B04,B8\t")
        read_until(parent, "B04,B8A ")
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def script_of(shell):
    return get_completion_script(prog_name="s2kit", complete_var="_S2KIT_COMPLETE", shell=shell)


def read_until(terminal, text):
    """Read what a terminal shows until a text is there; the test's own time limit ends the wait."""
    seen = ""
    while text not in seen:
        seen += os.read(terminal, 65536).decode()
