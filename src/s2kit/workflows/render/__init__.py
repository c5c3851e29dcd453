"""Pictures of products: `render` makes what a `RenderRequest` asks for."""

from s2kit.workflows.render.request import Outcome, PictureFormat, RenderRequest, State, Wish
from s2kit.workflows.render.run import render

__all__ = ["Outcome", "PictureFormat", "RenderRequest", "State", "Wish", "render"]
