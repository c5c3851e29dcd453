import subprocess
import sys

LOADED = """
import sys
from s2kit.run.no_boto3 import keep_boto3_from_rasterio
{first}
import rasterio
print("boto3" in sys.modules)
import boto3
print(boto3.session.Session is not None, rasterio.session.boto3 is None)
"""


def _loaded(first: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(first=first)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_rasterio_comes_without_boto3_where_that_was_asked_for() -> None:
    assert _loaded("keep_boto3_from_rasterio(); keep_boto3_from_rasterio()") == ["False", "True", "True"]


def test_programs_that_only_use_the_library_get_all_of_rasterio() -> None:
    assert _loaded("") == ["True", "True", "False"]
