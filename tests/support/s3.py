"""An S3 server for tests: moto's own, a real process on loopback, with buckets that no other test knows."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from s2kit.store.archive import Archive

_numbers = count(1)

ENDPOINT = os.environ.get("S2KIT_TEST_S3_ENDPOINT")
"""Another S3 server to test against than moto's; its keys are in `S2KIT_TEST_S3_KEY` and `S2KIT_TEST_S3_SECRET`."""
KEY = os.environ.get("S2KIT_TEST_S3_KEY", "testing")
SECRET = os.environ.get("S2KIT_TEST_S3_SECRET", "testing")
RUN = f"{os.getpid()}-{int(time.time())}"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the server."""

    name: str
    endpoint_url: str
    client: Any

    def archive(self, prefix: str = "", **options: Any) -> Archive:
        """An archive that stands for this bucket, or for a prefix in it."""
        values = {"name": self.name, "endpoint_url": self.endpoint_url, "region": "us-east-1", **options}
        return Archive(address=f"s3://{self.name}/{prefix}".rstrip("/"), **values)

    def put(self, key: str, data: bytes) -> str:
        """Store an object; returns its tag without quotes."""
        return self.client.put_object(Bucket=self.name, Key=key, Body=data)["ETag"].strip('"')

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def keys(self) -> list[str]:
        """All keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server; its keys are in the environment of the test."""

    url: str

    def bucket(self, *, public: bool = False) -> Bucket:
        """A new, empty bucket; `public` ones can be read unsigned."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        name = f"bucket-{next(_numbers)}" if ENDPOINT is None else f"s2kit-test-{RUN}-{next(_numbers)}"
        client.create_bucket(Bucket=name, **({"ACL": "public-read"} if public else {}))
        return Bucket(name, self.url, client)


@contextmanager
def moto() -> Iterator[str]:
    """Address of moto's server, which runs for the length of a block."""
    if ENDPOINT is not None:
        yield ENDPOINT
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "moto's server ended"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Address of moto's server, which runs for the whole session."""
    with moto() as url:
        yield url


@pytest.fixture
def s3_server(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """An S3 server with keys in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    return S3Server(moto_url)
