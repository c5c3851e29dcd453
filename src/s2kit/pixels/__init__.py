"""Raw pixels of images: `dump` answers each `PixelTask`."""

from s2kit.pixels.request import PixelOptions, PixelsRequest
from s2kit.pixels.run import PixelAnswer, PixelOutcome, PixelTask, dump

__all__ = ["PixelAnswer", "PixelOptions", "PixelOutcome", "PixelTask", "PixelsRequest", "dump"]
