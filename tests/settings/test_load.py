"""Layers of settings, their order and origins, and what is refused."""

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from s2kit.cli.settings_text import env_example, settings_example, settings_lines
from s2kit.errors import ConfigError
from s2kit.run.redact import redacted
from s2kit.run.sharing import hand_down
from s2kit.settings import SECRETS, Settings, in_use, load_settings, user_settings_path
from s2kit.store.archive import ARCHIVES
from s2kit.store.keys import Credentials, credentials_for

TRUSTING = {"S2KIT_TRUSTED_FOLDERS": "*"}
PROJECT = Path(__file__).resolve().parents[2]


def test_the_strongest_layer_wins_and_origins_tell_it(tmp_path: Path) -> None:
    user_settings_path().parent.mkdir(parents=True, exist_ok=True)
    user_settings_path().write_text('jobs = 1\ncatalogue = "cdse"\nlevel = "l1c"\nlimit = 5\narchive = "gcp"\n')
    (tmp_path / "settings.toml").write_text("jobs = 2\nlimit = 6\ntimeout_s = 7\n")
    (tmp_path / ".env").write_text("S2KIT_JOBS=3\nS2KIT_TIMEOUT_S=8\n")
    loaded = load_settings({"jobs": 5, "level": None}, environment={"S2KIT_JOBS": "4"}, folder=tmp_path)
    settings = loaded.settings
    assert (settings.jobs, settings.timeout_s, settings.limit, settings.catalogue) == (5, 8.0, 6, "cdse")
    assert loaded.origins["jobs"] == "flag"
    assert loaded.origins["timeout_s"] == str(tmp_path / ".env")
    assert loaded.origins["limit"] == str(tmp_path / "settings.toml")
    assert loaded.origins["level"] == str(user_settings_path())
    assert loaded.origins["openjpeg"] == "built-in"
    user_settings_path().unlink()


def test_an_archive_table_changes_only_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[archives.cdse]\nmax_connections = 2\n[archives.mine]\naddress = "s3://mine"\nlayout = "safe"\n'
    )
    archives = load_settings(environment=TRUSTING, folder=tmp_path).settings.archives
    assert archives["cdse"].max_connections == 2
    assert archives["cdse"].address == ARCHIVES["cdse"].address
    assert (archives["mine"].name, archives["mine"].address) == ("mine", "s3://mine")
    assert archives["gcp"] == ARCHIVES["gcp"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jbos = 3", "jbos"),
        ('jobs = "many"', "jobs = 'many'"),
        ("jobs = -1", "jobs = -1"),
        ('level = "l3"', "level = 'l3'"),
        ("jobs =", "not TOML"),
        ('dhus_password = "x"', "secrets do not belong"),
        ("[archives.cdse]\nspeed = 3", "archives.cdse.speed"),
        ("archives = 3", "must be tables"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_settings(environment={}, folder=tmp_path)


def test_a_near_miss_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("jbos = 3")
    with pytest.raises(ConfigError) as caught:
        load_settings(environment={}, folder=tmp_path)
    assert caught.value.hint == "did you mean jobs?"


def test_files_that_were_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such settings file"):
        load_settings(config=tmp_path / "none.toml", environment={}, folder=tmp_path)
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(env_file=tmp_path / "none", environment={}, folder=tmp_path)


def test_old_names_are_understood(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "USER_SENTINEL_HUB=someone\nPASS_SENTINEL_HUB=hush\nDATASET_PATH=data\nLOCAL_TMP_BUCKET=s3://mine/\n"
    )
    loaded = load_settings(environment=TRUSTING, folder=tmp_path)
    assert (str(loaded.settings.dataset), loaded.settings.destination) == ("data", "s3://mine/")
    assert loaded.secrets == {"dhus_user": "someone", "dhus_password": "hush"}


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    loaded = load_settings(environment={"DHUS_PASSWORD": "hush", "CDSE_S3_SECRET": "hush"}, folder=tmp_path)
    assert "hush" not in repr(loaded) + "\n".join(settings_lines(loaded, origins=True))


def test_the_example_files_are_what_the_settings_say() -> None:
    assert (PROJECT / "settings.example.toml").read_text(encoding="utf-8") == settings_example()
    assert (PROJECT / ".env-example").read_text(encoding="utf-8") == env_example()


def test_the_example_is_complete_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "as_written").mkdir()
    (tmp_path / "as_written" / "settings.toml").write_text(settings_example(), encoding="utf-8")
    uncommented = re.sub(r"(?m)^#(?=\S)", "", settings_example())
    (tmp_path / "settings.toml").write_text(uncommented, encoding="utf-8")
    built_in = load_settings(environment=TRUSTING, folder=tmp_path / "empty").settings
    for folder in (tmp_path, tmp_path / "as_written"):
        loaded = load_settings(environment=TRUSTING, folder=folder).settings
        differing = {f.name for f in fields(Settings) if getattr(loaded, f.name) != getattr(built_in, f.name)}
        assert not differing
    for setting in fields(Settings):
        assert f"\n#{setting.name} = " in settings_example() or f"#[{setting.name}" in settings_example()
    for variables in SECRETS.values():
        assert f"#{variables[0]}=" in env_example()


def test_settings_that_are_in_use_hand_their_keys_down(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AWS_ACCESS_KEY_ID=OF-DOTENV\nAWS_SECRET_ACCESS_KEY=hushhush-of-dotenv\n")
    before = dict(os.environ)
    try:
        in_use(load_settings(environment={}, folder=tmp_path))
        assert credentials_for(ARCHIVES["aws-l2a"]) == Credentials("OF-DOTENV", "hushhush-of-dotenv")
        assert redacted("it is hushhush-of-dotenv") == "it is ***"
        assert dict(os.environ) == before
    finally:
        hand_down({})
