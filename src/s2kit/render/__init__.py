"""Pictures of products: `render` makes what a `RenderRequest` asks for."""

from s2kit.picture.formats import PictureFormat
from s2kit.render.outcome import Outcome, OutputState
from s2kit.render.request import RenderOptions, RenderRequest
from s2kit.render.run import render
from s2kit.render.spec import PictureSpec

__all__ = ["Outcome", "OutputState", "PictureFormat", "PictureSpec", "RenderOptions", "RenderRequest", "render"]
