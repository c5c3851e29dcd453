"""Pictures of products: `render` makes what a `RenderRequest` asks for."""

from s2kit.render.request import Outcome, OutputState, PictureFormat, PictureSpec, RenderRequest
from s2kit.render.run import render

__all__ = ["Outcome", "OutputState", "PictureFormat", "PictureSpec", "RenderRequest", "render"]
