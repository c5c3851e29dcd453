"""Pictures of products: `render` makes what a `RenderRequest` asks for."""

from s2kit.render.request import Outcome, PictureFormat, RenderRequest, State, Wish
from s2kit.render.run import render

__all__ = ["Outcome", "PictureFormat", "RenderRequest", "State", "Wish", "render"]
