"""Pictures of products: `render` makes what a `RenderRequest` asks for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.picture.formats import PictureFormat
    from s2kit.render.outcome import Outcome, OutputState
    from s2kit.render.request import RenderOptions, RenderRequest
    from s2kit.render.run import render
    from s2kit.render.spec import PictureSpec
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.picture.formats": ("PictureFormat",),
            "s2kit.render.outcome": ("Outcome", "OutputState"),
            "s2kit.render.request": ("RenderOptions", "RenderRequest"),
            "s2kit.render.run": ("render",),
            "s2kit.render.spec": ("PictureSpec",),
        },
    )

__all__ = ["Outcome", "OutputState", "PictureFormat", "PictureSpec", "RenderOptions", "RenderRequest", "render"]
