"""What the files of a folder that nobody vouched for may say, and where keys go then."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from s2kit.settings import Loaded, Settings, load_settings, user_settings_path
from s2kit.settings.trust import is_trusted
from s2kit.store.archive import ARCHIVES
from support.catalogue_server import Answer, CatalogueServer


def loaded(folder: Path, environment: dict[str, str] | None = None, **more: object) -> Loaded:
    return load_settings(environment=environment or {}, folder=folder, **more)  # type: ignore[arg-type]


def typed(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if name != "S2KIT_TRUSTED_FOLDERS"} | environment
    return subprocess.run(
        [sys.executable, "-m", "s2kit", *words], capture_output=True, text=True, cwd=folder, env=env, timeout=60
    )


REFUSED = {
    'log_file = "x"': "log_file",
    'log_requests = "x"': "log_requests",
    'cache_dir = "x"': "cache_dir",
    'destination = "s3://mine/"': "destination",
    "allow_requester_pays = true": "allow_requester_pays",
    'trusted_folders = ["*"]': "trusted_folders",
    'archive = "aws-l2a"': "archive",
    'archive = "aws"': "archive",
    'catalogue = "http://127.0.0.1:9/dhus"': "catalogue",
    '[archives.aws-l2a]\nendpoint_url = "http://127.0.0.1:9"': "archives.aws-l2a",
    '[archives.mine]\naddress = "s3://mine"': "archives.mine",
    '[archives.mine]\naddress = "/etc"': "archives.mine",
    '[archives.mine]\naddress = "../elsewhere"': "archives.mine",
    '[archives.gcp]\nanonymous = false': "archives.gcp",
    '[archives.cogs]\nrequester_pays = true': "archives.cogs",
    '[archives.gcp]\nprofile = "work"': "archives.gcp",
    '[catalogues.cdse]\nurl = "https://elsewhere"': "catalogues.cdse",
    '[catalogues.cdse]\nkind = "dhus"': "catalogues.cdse",
    'job_store = "x"': "job_store",
    '[collections]\nsst = "https://elsewhere"': "collections.sst",
    '[parcel_files]\nes = "/etc/passwd"': "parcel_files.es",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_a_folder_does_not_say_where_things_go(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    found = loaded(tmp_path)
    assert found.settings == loaded(tmp_path / "empty").settings
    assert f"{REFUSED[text]} of {tmp_path / 'settings.toml'}" in found.ignored
    assert "--config" in found.ignored
    assert 'trusted_folders = ["' in found.ignored
    assert loaded(tmp_path, config=tmp_path / "settings.toml").ignored == ""


def test_the_environments_own_spelling_of_them_in_dotenv_is_ignored_as_well(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "S2KIT_LOG_FILE=../.bashrc\nS2KIT_JOBS=3\nS2KIT_ARCHIVES__AWS_L2A__ENDPOINT_URL=http://127.0.0.1:9\n"
        "DHUS_URL=http://127.0.0.1:9/dhus\n"
    )
    found = loaded(tmp_path, {"DHUS_USER": "me", "DHUS_PASSWORD": "hush"})
    assert (found.settings.log_file, found.settings.jobs) == ("", 3)
    assert found.settings.archives == dict(ARCHIVES)
    assert "dhus_url" not in found.secrets
    for name in ("log_file", "archives.aws-l2a", "DHUS_URL"):
        assert f"{name} of" in found.ignored
    assert loaded(tmp_path, env_file=tmp_path / ".env").settings.log_file == "../.bashrc"


def test_a_hub_with_its_own_login_is_taken_from_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DHUS_URL=https://hub/dhus\nDHUS_USER=me\nDHUS_PASSWORD=hushhush\n")
    assert loaded(tmp_path).secrets["dhus_url"] == "https://hub/dhus"
    assert "dhus_url" not in loaded(tmp_path, {"DHUS_PASSWORD": "anothers"}).secrets


def test_a_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "settings.toml").write_text(
        '[collections]\nsst = "bucket"\n',
    )
    assert loaded(tmp_path).settings.collections == {"sst": "bucket"}
    (tmp_path / "settings.toml").write_text(
        'dataset = "data"\njobs = 2\nlimit = 5\narchive = "gcp"\ncatalogue = "mine"\n[archives.cdse]\n'
        'max_connections = 2\n[archives.here]\naddress = "bucket"\n[catalogues.mine]\nkind = "local"\nurl = "bucket"\n'
    )
    found = loaded(tmp_path)
    assert found.ignored == ""
    assert (found.settings.jobs, found.settings.archive, found.settings.catalogue) == (2, "gcp", "mine")
    assert found.settings.archives["here"].address == "bucket"
    assert found.settings.archives["cdse"].max_connections == 2
    assert found.origins["jobs"] == str(tmp_path / "settings.toml")


def test_consent_to_pay_of_the_users_own_settings_lets_a_folder_name_a_billing_archive(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('archive = "aws-l2a"\n')
    assert loaded(tmp_path, {"S2KIT_ALLOW_REQUESTER_PAYS": "true"}).settings.archive == "aws-l2a"


def test_the_users_own_settings_trust_folders(tmp_path: Path) -> None:
    work = tmp_path / "mine" / "deep"
    work.mkdir(parents=True)
    (work / "settings.toml").write_text('log_file = "x"\n')
    user_settings_path().parent.mkdir(parents=True, exist_ok=True)
    user_settings_path().write_text(f'trusted_folders = ["{tmp_path}/mine/*"]\n')
    assert loaded(work).settings.log_file == "x"
    user_settings_path().write_text(f'trusted_folders = ["{tmp_path}/mine"]\n')
    assert loaded(work).settings.log_file == ""


def test_patterns_of_trust(tmp_path: Path) -> None:
    assert is_trusted(tmp_path, [str(tmp_path)])
    assert is_trusted(tmp_path / "a" / "b", [f"{tmp_path}/*"])
    assert is_trusted(tmp_path, ["*"])
    assert not is_trusted(tmp_path / "a", [str(tmp_path)])
    assert not is_trusted(Path(f"{tmp_path}x"), [f"{tmp_path}/*"])
    assert not is_trusted(tmp_path, [".", "./*", ""])


def test_files_that_others_may_write_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("jobs = 3\n")
    (tmp_path / ".env").write_text("S2KIT_LIMIT=3\nCDSE_S3_ACCESS_KEY=k\nCDSE_S3_SECRET=hushhush\n")
    (tmp_path / ".env").chmod(0o666)
    found = loaded(tmp_path)
    assert (found.settings.jobs, found.settings.limit, found.secrets) == (3, 0, {})
    assert "other users may write it" in found.ignored
    tmp_path.chmod(0o777)
    assert loaded(tmp_path).settings.jobs == 0
    assert loaded(tmp_path, {"S2KIT_TRUSTED_FOLDERS": str(tmp_path)}).settings.jobs == 3


def test_files_of_another_user_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").write_text("jobs = 3\n")
    if os.geteuid() == 0:
        os.chown(tmp_path / "settings.toml", 12345, 12345)
    else:  # only root gives files away: we are somebody else instead
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    found = loaded(tmp_path)
    assert found.settings.jobs == 0
    assert "another user owns it" in found.ignored
    assert loaded(tmp_path, config=tmp_path / "settings.toml").settings.jobs == 3


def test_a_strangers_folder_writes_no_file_and_says_so_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    place = home / "unpacked"
    place.mkdir(parents=True)
    (place / "settings.toml").write_text('log_file = "../.bashrc"\ndataset = "$(touch /tmp/owned)"\n')
    done = typed(place, "search", "--catalogue", "local", HOME=str(home))
    assert not (home / ".bashrc").exists()
    assert done.stderr.count("log_file of settings.toml") == 1, done.stderr
    shown = typed(place, "config", "show", "--origin")
    assert 'log_file = ""  # built-in' in shown.stdout
    assert "log_file of settings.toml" in shown.stderr


def test_a_strangers_catalogue_gets_no_password(tmp_path: Path) -> None:
    with CatalogueServer(lambda request: Answer(404)) as server:
        (tmp_path / "settings.toml").write_text(
            f'catalogue = "evil"\n[catalogues.evil]\nkind = "dhus"\nurl = "{server.url}/dhus"\n'
        )
        done = typed(
            tmp_path, "search", "--tile", "31TCJ", "--date", "2024-05-01", DHUS_USER="me", DHUS_PASSWORD="hushhush"
        )
        assert done.returncode == 2, done.stderr
        assert not server.requests


def test_keys_of_dotenv_reach_the_bucket_and_its_workers(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AWS_ACCESS_KEY_ID=OF-DOTENV\nAWS_SECRET_ACCESS_KEY=hushhush\nAWS_SESSION_TOKEN=t\n")
    found = loaded(tmp_path)
    assert found.keys["AWS_ACCESS_KEY_ID"] == "OF-DOTENV"
    assert found.secrets["aws_secret_access_key"] == "hushhush"
    assert "hushhush" not in repr(found)
    for stronger in ({"AWS_PROFILE": "work"}, {"AWS_ACCESS_KEY_ID": "OF-ENVIRONMENT"}):
        assert loaded(tmp_path, stronger).keys == {}  # never the id of one place with the secret of another
    with CatalogueServer(lambda request: Answer(200, b"II*\0")) as server:
        environment = {"S2KIT_ARCHIVES__MINE__ADDRESS": "s3://mine", "S2KIT_ARCHIVES__MINE__ENDPOINT_URL": server.url}
        typed(tmp_path, "pixels", "s3://mine/a.tif", "-f", "stats", **environment)
        heads = [request.headers.get("Authorization", "") for request in server.requests]
        assert heads
        assert all("Credential=OF-DOTENV/" in head for head in heads)


def test_every_setting_with_a_place_outside_is_known_to_the_guard() -> None:
    """Who adds a setting decides: what to do, or where things go."""
    what_to_do = {
        *(
            "dataset",
            "jobs",
            "archive",
            "catalogue",
            "level",
            "limit",
            "max_bytes",
            "min_free",
            "timeout_s",
            "openjpeg",
        ),
        *("cache", "cloud_classes", "job_slots", "job_timeout_s", "job_max_memory", "parcels"),
        "cluster_wait_s",
        *("collections", "parcel_files", "archives", "catalogues"),
    }
    where = {field.name for field in fields(Settings) if field.metadata["trusted_only"]}
    assert {field.name for field in fields(Settings)} == what_to_do | where


def test_a_file_that_env_file_names_may_say_everything(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=hushhush\nDHUS_URL=https://hub/dhus\n")
    (tmp_path / "keys").chmod(0o666)
    found = loaded(tmp_path, env_file=tmp_path / "keys")
    assert (found.keys["AWS_ACCESS_KEY_ID"], found.secrets["dhus_url"], found.ignored) == ("A", "https://hub/dhus", "")
