"""Which key goes where."""

from dataclasses import replace

import pytest

from s2kit.errors import AccessError
from s2kit.run.sharing import hand_down
from s2kit.store.archive import ARCHIVES
from s2kit.store.keys import Credentials, credentials_for, is_loopback, key_use

CDSE = ARCHIVES["cdse"]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CDSE_S3_ACCESS_KEY", "KEY")
    monkeypatch.setenv("CDSE_S3_SECRET", "hush")
    yield
    hand_down({})


@pytest.mark.parametrize(
    "host", ["eodata.dataspace.copernicus.eu", "eodata.cloudferro.com", "127.0.0.1:9000", "localhost"]
)
def test_keys_of_cdse_go_to_cdse(host: str) -> None:
    assert credentials_for(replace(CDSE, endpoint_url=f"https://{host}")) == Credentials("KEY", "hush")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "dataspace.copernicus.eu.evil.example", "xdataspace.copernicus.eu", "127.0.0.1.evil.example"],
)
def test_keys_of_cdse_go_to_cdse_only(host: str) -> None:
    with pytest.raises(AccessError, match=f"the keys of CDSE are not sent to {host}") as caught:
        credentials_for(replace(CDSE, endpoint_url=f"https://{host}"))
    assert caught.value.exit_code == 77


def test_an_anonymous_archive_gets_no_key() -> None:
    assert credentials_for(replace(CDSE, anonymous=True)) is None
    assert key_use(ARCHIVES["gcp"]).key == ""


def test_keys_of_dotenv_are_below_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    hand_down({"CDSE_S3_ACCESS_KEY": "OTHER", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "b"})
    assert credentials_for(CDSE) == Credentials("KEY", "hush")
    assert credentials_for(ARCHIVES["aws-l2a"]) == Credentials("A", "b")
    assert key_use(ARCHIVES["aws-l2a"]).host == "s3.eu-central-1.amazonaws.com"


def test_this_machine() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.8.8.8", "::1", "localhost", "a.localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "10.0.0.1", "localhost.evil.example", ""]))
