"""Raw pixels of images: `dump` answers each `PixelTask`."""

from s2kit.pixels.run import PixelAnswer, PixelOutcome, PixelTask, dump

__all__ = ["PixelAnswer", "PixelOutcome", "PixelTask", "dump"]
