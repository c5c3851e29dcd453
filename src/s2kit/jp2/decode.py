"""Small codestreams to samples, by either route to OpenJPEG; both give the same samples.

`area`: OpenJPEG's area decode (`jp2/openjpeg.py`). `portable`: rasterio's in-memory files, that is, GDAL's driver.
"""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.jp2 import openjpeg as openjpeg_library
from s2kit.jp2.openjpeg import SOP_COMPLAINT
from s2kit.jp2.packets import Area
from s2kit.jp2.window import PacketMismatchError, SmallCodestream

_GDAL_LOGGERS = ("rasterio._err", "rasterio._env")
_warning_filters = threading.Lock()


def decode(
    codestream: SmallCodestream, area: Area, components: int, bits: int, *, openjpeg: str = "auto"
) -> NDArray[np.uint16] | NDArray[np.uint8]:
    """Decode a part of a small codestream.

    Args:
        codestream: What to decode.
        area: The part, within `codestream.area`; not empty.
        components: How many components it has.
        bits: Their bits a sample.
        openjpeg: `auto` for the fastest route there is, `off` for the portable one.

    Returns:
        Array `[component, row, col]`.

    Raises:
        InputError: The decoder refuses the data.
        PacketMismatchError: A packet's length is not that of PLT (only where the codestream is marked).
    """
    library = openjpeg_library.load() if openjpeg != "off" else None
    if library is not None:
        return library.decode(codestream, area, components, bits)
    return _decode_portably(codestream, area, components)


def _decode_portably(codestream: SmallCodestream, area: Area, components: int) -> NDArray[np.uint16]:
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.io import MemoryFile
    from rasterio.windows import Window

    col, row = area.x0 - codestream.area.x0, area.y0 - codestream.area.y0
    window = Window(col, row, area.x1 - area.x0, area.y1 - area.y0)
    with gdal_threads(), _complaints.listening() as complaints:
        try:
            with MemoryFile(codestream.data, ext=".j2k") as memory:
                with no_georeference_warning():
                    image = rasterio.open(memory.name, driver="JP2OpenJPEG")
                with image:
                    if image.count != components:
                        raise InputError(f"the JPEG 2000 data has {image.count} components instead of {components}")
                    samples: NDArray[np.uint16] = image.read(window=window)
        except RasterioError as error:
            if complaints and codestream.marked:
                raise PacketMismatchError from None
            raise InputError(f"the JPEG 2000 data cannot be decoded: {first_cause(error)}") from None
    if complaints and codestream.marked:
        raise PacketMismatchError
    return samples


@contextmanager
def gdal_threads() -> Iterator[None]:
    """GDAL with one thread: with small code-blocks, handing each over to a pool costs more than it gains.

    GDAL still gives OpenJPEG a pool of one worker, which costs as much again with small code-blocks, unless the
    environment has OPJ_NUM_THREADS (a GDAL option of that name is not looked at): workers are started with it.
    """
    import rasterio

    with rasterio.Env(GDAL_NUM_THREADS="1"):
        yield


@contextmanager
def no_georeference_warning() -> Iterator[None]:
    """No word of images without coordinates, which small codestreams are by nature.

    The filters belong to the whole process, so only one thread at a time changes them, for as long as an opening takes.
    """
    from rasterio.errors import NotGeoreferencedWarning

    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


class _Complaints(logging.Filter):
    """Collects what GDAL logs of packets whose SOP is missing, and keeps it out of the user's log.

    GDAL's loggers are awake while any thread listens, whatever level the user's log has; what the user would not see
    is not shown for that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._listeners = 0
        self._woken: dict[logging.Logger, int] = {}
        """Their own levels."""
        self._shown_from: dict[str, int] = {}
        """The lowest level that the user sees of them."""

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """The complaints of this thread while the block runs."""
        found: list[str] = []
        with self._lock:
            if not self._listeners:
                self._wake()
            self._listeners += 1
        self._of_thread.found = found
        try:
            yield found
        finally:
            self._of_thread.found = None
            with self._lock:
                self._listeners -= 1
                if not self._listeners:
                    self._let_sleep()

    def filter(self, record: logging.LogRecord) -> bool:
        """True where the record is to be logged."""
        found: list[str] | None = getattr(self._of_thread, "found", None)
        if found is not None and SOP_COMPLAINT in record.getMessage().lower():
            found.append(record.getMessage())
            return False
        return record.levelno >= self._shown_from.get(record.name, logging.NOTSET)

    def _wake(self) -> None:
        for logger in map(logging.getLogger, _GDAL_LOGGERS):
            logger.addFilter(self)  # does nothing where it is there already
            if not logger.isEnabledFor(logging.WARNING):
                self._woken[logger] = logger.level
                self._shown_from[logger.name] = max(logger.getEffectiveLevel(), logger.manager.disable + 1)
                logger.manager = copy(logger.manager)  # its own, which `logging.disable` does not reach
                logger.manager.disable = logging.NOTSET
                logger.setLevel(logging.WARNING)

    def _let_sleep(self) -> None:
        for logger, level in self._woken.items():
            del logger.manager
            logger.setLevel(level)
        self._woken.clear()
        self._shown_from.clear()


_complaints = _Complaints()


def first_cause(error: BaseException) -> str:
    """The innermost message of a chain of exceptions, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
