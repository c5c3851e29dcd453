"""Raw pixels of images: `run.dump` answers each `PixelTask`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.pixels.request import PixelOptions, PixelsRequest
    from s2kit.pixels.run import PixelAnswer, PixelOutcome, PixelTask
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.pixels.request": ("PixelOptions", "PixelsRequest"),
            "s2kit.pixels.run": ("PixelAnswer", "PixelOutcome", "PixelTask"),
        },
    )

__all__ = ["PixelAnswer", "PixelOptions", "PixelOutcome", "PixelTask", "PixelsRequest"]
