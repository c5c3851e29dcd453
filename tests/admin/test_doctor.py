"""Checks come out as they are, and the worst decides the exit code."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from shutil import copyfile
from threading import Thread

import pytest

from s2kit.admin.doctor import CheckState, DoctorCheck, _clock_check, _server_of, diagnose, worst
from s2kit.errors import AccessError, ConfigError, ServiceError
from s2kit.settings import CATALOGUES, load_settings
from s2kit.store.archive import ARCHIVES, Archive
from s2kit.store.probe import probe


class Clock(BaseHTTPRequestHandler):
    ahead = timedelta()
    tells = True

    def do_HEAD(self) -> None:
        self.send_response_only(403)
        if type(self).tells:
            self.send_header("Date", format_datetime(datetime.now(UTC) + type(self).ahead))
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def service() -> "object":
    server = HTTPServer(("127.0.0.1", 0), Clock)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    Clock.ahead, Clock.tells = timedelta(), True


def checks_of(url: str, tmp_path: Path) -> dict[str, DoctorCheck]:
    text = "".join(f'[catalogues.{name}]\nurl = "{url}"\n' for name in CATALOGUES)
    text += "".join(f'[archives.{name}]\nendpoint_url = "{url}"\n' for name in ARCHIVES)
    (tmp_path / "settings.toml").write_text(text)
    loaded = load_settings(environment={"S2KIT_TRUSTED_FOLDERS": "*"}, folder=tmp_path)
    return {check.check: check for check in diagnose(loaded.settings, loaded.secrets, offline=False)}


def test_any_answer_counts_as_there(service: str, tmp_path: Path) -> None:
    checks = checks_of(service, tmp_path)
    assert checks["catalogue cdse"].state is CheckState.OK
    assert re.fullmatch(r"[+-]\d s against \d+ services", checks["clock"].detail)
    assert worst(list(checks.values())) is None


def test_a_clock_that_is_off_is_a_failure(service: str, tmp_path: Path) -> None:
    Clock.ahead = timedelta(minutes=20)
    checks = checks_of(service, tmp_path)
    assert checks["archive gcp"].state is CheckState.OK, "the service answers, and one row is enough for the clock"
    assert checks["clock"].state is CheckState.FAIL
    assert re.fullmatch(r"this clock is -(1200|1199) s off, by \d+ services", checks["clock"].detail)
    assert isinstance(worst(list(checks.values())), AccessError)


def test_a_service_without_a_clock_is_fine(service: str) -> None:
    Clock.tells = False
    answer = probe(service)
    assert (answer.error, answer.skew_s) == ("", None)


def test_a_service_that_is_gone_is_named(tmp_path: Path) -> None:
    checks = checks_of("http://127.0.0.1:9", tmp_path)
    assert checks["catalogue cdse"].state is CheckState.FAIL
    assert isinstance(worst(list(checks.values())), ServiceError)


def test_one_service_with_a_wrong_clock_does_not_count() -> None:
    assert _clock_check({"a": 0.5, "b": -0.2, "c": -7200.0}).state is CheckState.OK
    off = _clock_check({"a": 900.0, "b": 901.0, "c": 0.0})
    assert (off.state, off.detail) == (CheckState.FAIL, "this clock is +900 s off, by 3 services")
    assert _clock_check({"a": 0.0}).detail == "+0 s against 1 service"


def test_without_services_the_clock_is_held_against_files(tmp_path: Path) -> None:
    loaded = load_settings(environment={}, folder=tmp_path)
    found = {check.check: check for check in diagnose(loaded.settings, {}, offline=True)}
    assert found["clock"].detail.endswith("no file is from the future")


def test_proxies_are_listed_without_their_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hush@proxy.example:8080")
    loaded = load_settings(environment={}, folder=tmp_path)
    checks = diagnose(loaded.settings, {}, offline=True)
    assert {check.check: check.detail for check in checks}["proxy https"] == "proxy.example:8080"
    assert "hush" not in repr(checks)


def test_the_first_failure_decides() -> None:
    checks = [
        DoctorCheck("a", CheckState.OK, ""),
        DoctorCheck("b", CheckState.FAIL, "", "mend b"),
        DoctorCheck("c", CheckState.WARN, ""),
    ]
    error = worst(checks)
    assert isinstance(error, ConfigError)
    assert str(error) == "1 of 3 checks failed: b"
    assert error.hint == "mend b"
    assert worst(checks[:1]) is None


def test_credentials_are_told_by_their_place_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "hush")
    loaded = load_settings(environment={"CDSE_S3_ACCESS_KEY": "hush", "CDSE_S3_SECRET": "hush"}, folder=tmp_path)
    checks = diagnose(loaded.settings, loaded.secrets, offline=True)
    found = {check.check: check.detail for check in checks}
    assert found["aws keys"] == (
        "environment → s3.eu-central-1.amazonaws.com (aws-l1c, aws-l2a, aws-s1); s3.us-west-2.amazonaws.com (usgs-landsat)"
    )
    assert found["cdse keys"] == "environment or .env → eodata.dataspace.copernicus.eu (cdse)"
    assert "hush" not in str(found)
    assert "hush" not in repr(checks)
    monkeypatch.setenv("AWS_PROFILE", "work")
    found = {check.check: check.detail for check in diagnose(loaded.settings, {}, offline=True)}
    assert found["aws keys"].startswith("profile work → s3.eu-central-1.amazonaws.com")
    assert found["cdse keys"] == "none"


@pytest.mark.parametrize("name", ["PROJ_DATA", "PROJ_LIB", "GDAL_SKIP"])
def test_variables_of_another_installation(name: str, tmp_path: Path) -> None:
    value = "GIF,JP2OpenJPEG" if name == "GDAL_SKIP" else str(tmp_path)
    if name == "PROJ_LIB":  # the database of an older PROJ
        import rasterio

        database = tmp_path / "proj.db"
        copyfile(Path(rasterio.__file__).with_name("proj_data") / "proj.db", database)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE metadata SET value = '0' WHERE key = 'DATABASE.LAYOUT.VERSION.MINOR'")
    for verb in ("render", "info", "search"):
        done = subprocess.run(
            [sys.executable, "-m", "s2kit", verb, *(["X.SAFE"] if verb != "search" else ["--point", "1", "43"])],
            cwd=tmp_path,
            env={**os.environ, name: value},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 78
        assert done.stderr.count("\n") == 2
        assert done.stderr.startswith(f"s2kit: error: {name}={value} ")
        assert f"s2kit: hint: unset {name}" in done.stderr
    checked = subprocess.run(
        [sys.executable, "-m", "s2kit", "doctor", "--offline", "-f", "csv"],
        cwd=tmp_path,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 78
    assert f"{name}={value} " in checked.stdout


@pytest.mark.parametrize(
    ("archive", "address"),
    [
        (ARCHIVES["pc"], "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2"),
        (ARCHIVES["aws-l1c"], "https://s3.eu-central-1.amazonaws.com"),
        (Archive(name="mine", address="s3://mine"), "https://s3.amazonaws.com"),
        (Archive(name="mine", address="gs://mine"), "https://storage.googleapis.com"),
        (Archive(name="mine", address="s3://mine", endpoint_url="http://127.0.0.1:9"), "http://127.0.0.1:9"),
    ],
)
def test_the_server_of_an_archive_is_that_which_is_read(archive: Archive, address: str) -> None:
    assert _server_of(archive) == address
