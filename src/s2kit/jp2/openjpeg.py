"""OpenJPEG's area decode from memory, through the libopenjp2 that rasterio's wheel or the system carries.

GDAL decodes whole tiles; `opj_set_decode_area` decodes only the code-blocks that an area touches. This module calls it
with ctypes, after the library has proved itself on a built-in codestream whose pixels are known. Where there is no
library, an unknown version, or any other surprise, `load()` answers None and the caller takes the portable route.

The functions and structures are those of openjpeg.h, version 2.x (they have not changed since 2.3; shared object 7).
"""

import ctypes
import threading
from base64 import b64decode
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.jp2.packets import Area
from s2kit.jp2.window import PacketMismatchError, SmallCodestream
from s2kit.run.wheel_library import library_paths

_CODEC_J2K = 0
_END_OF_STREAM = c_size_t(-1).value
_COORDINATE_LIMIT = 1 << 31
SOP_COMPLAINT = "expected sop marker"
"""What OpenJPEG warns of, in lower case, where no SOP marker segment stands in front of a packet."""

_Read = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_size_t, c_void_p)
_Skip = ctypes.CFUNCTYPE(c_int64, c_int64, c_void_p)
_Seek = ctypes.CFUNCTYPE(c_int, c_int64, c_void_p)
_Message = ctypes.CFUNCTYPE(None, c_char_p, c_void_p)


class _Component(ctypes.Structure):
    """`opj_image_comp_t`."""

    _fields_ = [
        *((name, c_uint32) for name in ("dx", "dy", "w", "h", "x0", "y0", "prec", "bpp", "sgnd", "resno", "factor")),
        ("data", POINTER(c_int32)),
        ("alpha", c_uint16),
    ]


class _Image(ctypes.Structure):
    """`opj_image_t`."""

    _fields_ = [
        *((name, c_uint32) for name in ("x0", "y0", "x1", "y1", "numcomps")),
        ("color_space", c_int),
        ("comps", POINTER(_Component)),
        ("icc_profile_buf", c_void_p),
        ("icc_profile_len", c_uint32),
    ]


class _Parameters(ctypes.Structure):
    """`opj_dparameters_t`: only its first fields matter here; the rest is more room than any version takes."""

    _fields_ = [("cp_reduce", c_uint32), ("cp_layer", c_uint32), ("rest", ctypes.c_char * 32768)]


_FUNCTIONS = {
    "opj_version": ([], c_char_p),
    "opj_create_decompress": ([c_int], c_void_p),
    "opj_set_default_decoder_parameters": ([POINTER(_Parameters)], None),
    "opj_setup_decoder": ([c_void_p, POINTER(_Parameters)], c_int),
    "opj_stream_create": ([c_size_t, c_int], c_void_p),
    "opj_stream_set_read_function": ([c_void_p, _Read], None),
    "opj_stream_set_skip_function": ([c_void_p, _Skip], None),
    "opj_stream_set_seek_function": ([c_void_p, _Seek], None),
    "opj_stream_set_user_data": ([c_void_p, c_void_p, c_void_p], None),
    "opj_stream_set_user_data_length": ([c_void_p, c_uint64], None),
    "opj_set_error_handler": ([c_void_p, _Message, c_void_p], c_int),
    "opj_set_warning_handler": ([c_void_p, _Message, c_void_p], c_int),
    "opj_read_header": ([c_void_p, c_void_p, POINTER(POINTER(_Image))], c_int),
    "opj_set_decode_area": ([c_void_p, POINTER(_Image), c_int32, c_int32, c_int32, c_int32], c_int),
    "opj_decode": ([c_void_p, c_void_p, POINTER(_Image)], c_int),
    "opj_stream_destroy": ([c_void_p], None),
    "opj_destroy_codec": ([c_void_p], None),
    "opj_image_destroy": ([POINTER(_Image)], None),
}


class _Source:
    """A codestream in memory as OpenJPEG's stream callbacks want it. None of them raises: ctypes would lose it."""

    def __init__(self, data: bytes) -> None:
        self._address = ctypes.cast(c_char_p(data), c_void_p).value or 0
        self._data = data  # keeps the address alive
        self._position = 0
        self.errors: list[bytes] = []
        self.warnings: list[bytes] = []
        self.callbacks = (_Read(self._read), _Skip(self._skip), _Seek(self._seek))
        self.handlers = (_Message(self._error), _Message(self._warning))

    def _read(self, target: int, nbytes: int, _: object) -> int:
        nbytes = min(nbytes, len(self._data) - self._position)
        if nbytes <= 0:
            return _END_OF_STREAM
        ctypes.memmove(target, self._address + self._position, nbytes)
        self._position += nbytes
        return nbytes

    def _skip(self, nbytes: int, _: object) -> int:
        if nbytes < 0 or self._position >= len(self._data):
            return -1
        nbytes = min(nbytes, len(self._data) - self._position)
        self._position += nbytes
        return nbytes

    def _seek(self, position: int, _: object) -> int:
        if not 0 <= position <= len(self._data):
            return 0
        self._position = position
        return 1

    def _error(self, message: bytes, _: object) -> None:
        self.errors.append(message)

    def _warning(self, message: bytes, _: object) -> None:
        self.warnings.append(message)


@dataclass(frozen=True, slots=True)
class OpenJpeg:
    """A libopenjp2 that has been loaded."""

    library: ctypes.CDLL
    version: str
    path: str

    def decode(self, codestream: SmallCodestream, area: Area, components: int, bits: int) -> NDArray[np.uint16]:
        """Decode a part of a codestream.

        Args:
            codestream: What to decode.
            area: The part, within `codestream.area`, in the same coordinates; not empty.
            components: How many components the codestream has.
            bits: Their bits a sample.

        Returns:
            Array `[component, row, col]`.

        Raises:
            InputError: The decoder refuses the data.
            PacketMismatchError: A packet's length is not that of PLT.
        """
        if area.x1 >= _COORDINATE_LIMIT or area.y1 >= _COORDINATE_LIMIT:
            raise InputError(f"coordinates beyond {_COORDINATE_LIMIT} in the JPEG 2000 data")
        lib, source, image = self.library, _Source(codestream.data), POINTER(_Image)()
        stream = lib.opj_stream_create(min(len(codestream.data), 1 << 20), 1)
        codec = lib.opj_create_decompress(_CODEC_J2K)
        try:
            if not stream or not codec:
                raise InputError("no memory for the JPEG 2000 decoder")
            self._connect(stream, codec, source)
            done = (
                lib.opj_read_header(stream, codec, byref(image))
                and lib.opj_set_decode_area(codec, image, area.x0, area.y0, area.x1, area.y1)
                and lib.opj_decode(codec, stream, image)
            )
            if codestream.marked and any(
                SOP_COMPLAINT in message.decode("latin-1").lower() for message in source.warnings
            ):
                raise PacketMismatchError
            if not done:
                raise InputError(f"the JPEG 2000 data cannot be decoded: {_text(source.errors)}")
            return _samples(image.contents, area, components, bits)
        finally:
            if stream:
                lib.opj_stream_destroy(stream)
            if codec:
                lib.opj_destroy_codec(codec)
            if bool(image):  # a null pointer where the header could not be read
                lib.opj_image_destroy(image)

    def _connect(self, stream: int, codec: int, source: _Source) -> None:
        lib = self.library
        read, skip, seek = source.callbacks
        lib.opj_stream_set_read_function(stream, read)
        lib.opj_stream_set_skip_function(stream, skip)
        lib.opj_stream_set_seek_function(stream, seek)
        lib.opj_stream_set_user_data(stream, None, None)
        lib.opj_stream_set_user_data_length(stream, len(source._data))
        lib.opj_set_error_handler(codec, source.handlers[0], None)
        lib.opj_set_warning_handler(codec, source.handlers[1], None)
        parameters = _Parameters()
        lib.opj_set_default_decoder_parameters(byref(parameters))
        if not lib.opj_setup_decoder(codec, byref(parameters)):
            raise InputError("the JPEG 2000 decoder cannot be set up")


_state: dict[str, OpenJpeg | None] = {}
_reasons: list[str] = []
_lock = threading.Lock()


def load() -> OpenJpeg | None:
    """The library, or None where none can be trusted; looked for once a process."""
    with _lock:
        if "library" not in _state:
            _state["library"] = _find()
        return _state["library"]


def route_in_use(openjpeg: str = "auto") -> str:
    """One line for `s2kit doctor`: by which route JPEG 2000 windows are decoded.

    Args:
        openjpeg: The setting, `auto` or `off`.
    """
    if openjpeg == "off":
        return "rasterio's in-memory files (openjpeg = off)"
    library = load()
    if library is None:
        return f"rasterio's in-memory files ({_reasons[-1] if _reasons else 'no libopenjp2 found'})"
    return f"OpenJPEG {library.version} area decode ({Path(library.path).name})"


def _find() -> OpenJpeg | None:
    for path in library_paths("rasterio", "openjp2"):  # rasterio is not loaded for it: boto3 would come with it
        try:
            return _trusted(path)
        except (OSError, AttributeError, InputError, PacketMismatchError, ValueError) as error:
            _reasons.append(f"{Path(path).name}: {error}")
    return None


def _trusted(path: str) -> OpenJpeg:
    """Load a library and let it decode the built-in codestream.

    Raises:
        InputError: It is not a version that is known, or its pixels are wrong.
    """
    library = ctypes.CDLL(path)
    for name, (arguments, result) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    version = _version_of(library)
    major, minor = (int(part) for part in version.split(".")[:2])
    if major != 2 or minor < 4:
        raise InputError(f"OpenJPEG {version} is not known")
    candidate = OpenJpeg(library, version, path)
    pixels = candidate.decode(SmallCodestream(_PROOF, _PROOF_AREA, marked=False), Area(107, 54, 121, 63), 1, 15)
    row, col = np.mgrid[54:63, 107:121]
    if not np.array_equal(pixels[0], _proof_pixels(row, col)):
        raise InputError(f"OpenJPEG {version} decodes the built-in codestream wrongly")
    return candidate


def _version_of(library: ctypes.CDLL) -> str:
    version: bytes = library.opj_version()
    return version.decode("ascii")


def _samples(image: _Image, area: Area, components: int, bits: int) -> NDArray[np.uint16]:
    """Copy what was decoded, after making sure that it is what was asked for."""
    height, width = area.y1 - area.y0, area.x1 - area.x0
    if image.numcomps != components:
        raise InputError(f"the JPEG 2000 data has {image.numcomps} components instead of {components}")
    samples = np.empty((components, height, width), np.uint16)
    for index in range(components):
        one = image.comps[index]
        if (one.w, one.h, one.prec, one.sgnd) != (width, height, bits, 0) or not one.data:
            raise InputError(f"the decoder made {one.w} x {one.h} samples instead of {width} x {height}")
        samples[index] = np.ctypeslib.as_array(one.data, (height, width))
    return samples


def _text(messages: list[bytes]) -> str:
    return " ".join(messages[0].decode("latin-1").split()) if messages else "no reason given"


_PROOF_AREA = Area(100, 50, 130, 70)


def _proof_pixels(row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.int64]:
    """The samples of the built-in codestream: 15 bits, three levels, 4 x 4 code-blocks, tiles of 16 x 16."""
    pixels: NDArray[np.int64] = (row * row * 37 + col * col * 11 + row * col * 5) % 32749
    return pixels


_PROOF = b64decode(
    "/0//UQApAAAAAACCAAAARgAAAGQAAAAyAAAAEAAAABAAAABkAAAAMgABDgEB/1IADAAAAAEAAwAAAAH/XAANQHiAgIiAgIiAgIj/kAAKAAAA"
    "AAJkAAH/k+A/mB/zAwOaQQa0Y+D/QCf8Akf+DBEf+GBIAtznLwpzE1oK+wkeeQqeiQg78Pa5BuxugOL/YAI//Bga/2AA/34MB5/8MGv/QwKy"
    "/2GDH/xIKAtQT2vXUZhDnjQOmXHypSDPDW4hfHWvC6Amd1hifwch5weEDSJKnZF0uF3SvXfBHtgEYTKfsJpGLUIXFQIK9JN20H9QPx5zS/HH"
    "2V5Wdocn2V7VrZsdYpt/7i8g3xKNH2o8cvOcrr/x/3Bgr/4ML/94MGf/Awh/8GHr/wAH/34MC3/gAP9/gwLzf+DBn/wwX7/wYL/+GB//YYP/"
    "fhgj/3hgLP9gAR//BgLxn/gAL/8GB3P/AAHf+DBH/wYIf/DAjf9gwH/8GBN/8GAwBtYecW1jOKSVXxSkMLsNyBHSv5gfx0KPc4QSGsyFpHDf"
    "BDNXDnnmfmLZ5p2PGAOCFPFfiBpFE1FE2skCqwDfXPuBZww7ESAJCiuIeePZnbrsFwSr1A9gcI+dDhpmbsso6JNULHQUszglBwYOuiJ/EHxU"
    "e0taXQYPrIbPBtX22jBqLrBd5KIuFKjFZL9KGAfjNBEh7D+evXbjMuILpXcG0rlVmvBbO5rkLRSy7OYRzp9iRILLfwPTlwDfpzBAqw2z6gDL"
    "PfV0SPkPawhmtyWTZg/0fDNJ5dcUsucTVfg7bHeFrQYe3wE4HwWqPbBRAfi7cLKIMdYFdyYrPwR2kcc/HDa+1xUSVgSHg9SmbIcHsosVAMLp"
    "1UoIfyA4HUKJgELOUCwMmE4waH8abhnH/IIEbwQlnxBLeX8EJW7/kAAKAAEAAAIkAAH/k+C/YC/yBT8wL/IEBegAHwRfCB7g/0An/AJhf4BP"
    "/gAJH/hgUAJGgR0Lys9PAAYiywoaIpgKSEMK+FdK6rp/4/9BhP98GB8/+GDf/wYFR/4YLg0SMuEG+xcK5NSeiEoQ2/dwV/MJeXhIubKPDzW2"
    "tLu8KPJ1RWkWJGO2fZT9M/GR78LFldR/EDFCRcpJrrcPfwAE7Tz2ZWqL7svQIhkF9YsD4WxBVTKT8f9wYL/+DC+/+AA3/wMIf/BiD/4AEafy"
    "B/9gARn/AD5/+GBn/wYMb/4MC3/gwh/8MH//QYIz/0ABf/gATn/wAD43/gwP/2GBn/8GAf94YFX/QYQX/0MA8AD8IIAUqRH+ohF7MPhOLxbm"
    "Vgvz9IP5mO7GWzsLRVechxWGXHqfDddBXTgXASyaPO+0vFlnhwqlXljMaxajQ1LUwxKRdu9c8SlBbymu1sXtmBitgqPX16bb5w6/EZBwe3oU"
    "VqgEHpELLN8/IEPCrQHmfwz9dzql2V4/6aPwnw93nG9QQBO3/v8jC7Q1oeZLavriU6/TvA2l3kZfAbD0uYxpmSgZxmJU2HJHOw9EIGB3Ceh9"
    "Jf8xAJhpJIx17HJugDuD+2/H5rhy9KUJ+oCQwz04VQJFQZoXAw5ltuY+3msfAu5/DObOIGYrDwxU/pATTkI1n8Igfw4pKxjQlaB5bLJkOH8P"
    "KJ5KYmIhwDfUdfY0404PDDIDA/+QAAoAAgAAAMUAAf+Tx/4MCw/8GBQLtpb2lQjSQYwf4f9gAP9+AAeP/gwP/2DAeP9wwHh/IEAN2Yo/xv9/"
    "Arx/BWDiDHPsUQnCPwsk9Ix8UqcAnfG/8ABv/gwfv/gANzP/AAP/eGCef/AAfi/+DAn/YME//wYCABCH8yePvwvknH+s5P5Lb/PJdZYPyxCR"
    "qYo4WAuS3JpSt3cMHSGqXnd9t6JTiMYIDvBkH59/C34ERz6W9xBydG8KYvO9wvLV9KgQcnQy/5AACgADAAAAuwAB/5Pif4Av/gwJH/hgKAmY"
    "Asb/fwSEkmc/w/8AA+f/BgPf+DAcf+GA4Av4zr4mFS8N1wmRmWU/ACfPAvw4QImcc/H/cGCP/gwfn/AJz/8GBX/wwS3/YMC8P/wYG/9BgnAB"
    "+EILzY70P3YbVgeYYZ5kjoXpgf8S4+pFYQHNzX8MG2hbckRWlfR/B5t79n1qOmZvHP1fzEXvIFF/A52Z0Y8KWYKKLz8TghWmC3kMhm8LX//Z"
)
