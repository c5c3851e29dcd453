"""No secret leaves by a message, a log or a record of a run."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2kit.cli.terminal import set_up_logging
from s2kit.run.redact import conceal, redacted

SIGNED = (
    "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAXYZ%2F2024&X-Amz-Signature=0abc"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SIGNED, SIGNED.replace("AKIAXYZ%2F2024", "***").replace("0abc", "***")),
        ("https://user:pa@ss@host/x@y", "https://***@host/x@y"),
        ("see https://host/a@b and mail@host", "see https://host/a@b and mail@host"),
        ("https://x/y?sv=2024&sig=Ab%2Fc&se=1", "https://x/y?sv=2024&sig=***&se=1"),
        ("https://x/y?access_token=abc.def", "https://x/y?access_token=***"),
        ("CDSE_S3_SECRET=abc DHUS_PASSWORD=x", "CDSE_S3_SECRET=*** DHUS_PASSWORD=***"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("Bearer eyJhbGciOi.abc.def", "Bearer ***"),
        ("basic information, 3 tokens, design=4", "basic information, 3 tokens, design=4"),
    ],
)
def test_secrets_become_stars(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@given(
    st.text(
        alphabet=st.characters(
            exclude_characters="/?#@'\" \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0", exclude_categories=("Z", "C")
        ),
        min_size=6,
    )
)
def test_a_password_in_an_address_is_never_shown(password: str) -> None:
    assert f":{password}@" not in redacted(f"fetching https://user:{password}@host/x failed")


def test_known_values_are_hidden_wherever_they_are(tmp_path: Path) -> None:
    conceal(["a-known-password", "ab"])
    assert redacted("login a-known-password, ab") == "login ***, ab"
    set_up_logging(0, str(tmp_path / "log"))
    logging.getLogger("s2kit").info("it was a-known-password at %s", SIGNED)
    for handler in list(logging.getLogger("s2kit").handlers):
        handler.close()
    assert "a-known-password" not in (tmp_path / "log").read_text()
    assert "0abc" not in (tmp_path / "log").read_text()


def test_a_run_writes_no_secret_anywhere(tmp_path: Path) -> None:
    address = "http://user:hushhush@127.0.0.1:9/dhus?X-Amz-Signature=deadbeef"
    done = subprocess.run(
        [sys.executable, "-m", "s2kit", "search", "--catalogue", address, "--tile", "31TCJ", "--date", "2024-05-01",
         "--log-file", "log", "--log-requests", "runs.jsonl", "-vv"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, env={**os.environ, "DHUS_PASSWORD": "topsecret"},
    )  # fmt: skip
    assert done.returncode != 0
    everything = done.stdout + done.stderr + (tmp_path / "log").read_text() + (tmp_path / "runs.jsonl").read_text()
    for secret in ("hushhush", "deadbeef", "topsecret"):
        assert secret not in everything
    assert "//***@127.0.0.1" in json.dumps(json.loads((tmp_path / "runs.jsonl").read_text()))
