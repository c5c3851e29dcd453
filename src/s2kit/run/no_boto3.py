"""rasterio without boto3, which is half of its import and serves S3 sessions that s2kit never opens with it."""

import sys
from collections.abc import Sequence
from types import FrameType, ModuleType


class _Refusal:
    """A finder of modules, by its form: `importlib.abc` would load `tempfile`, `random` and more at every start.

    It answers that there is no boto3, to the one module of rasterio that does without.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "boto3" and _asked_by("rasterio.session"):
            raise ModuleNotFoundError(f"{fullname} is kept from rasterio", name=fullname)


def keep_boto3_from_rasterio() -> None:
    """Make rasterio's import quick in this process, a program's own: rasterio's `AWSSession` will not work in it."""
    if not any(isinstance(finder, _Refusal) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Refusal())


def _asked_by(module: str) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    return frame is not None
