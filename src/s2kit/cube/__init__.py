"""Stacks in space and time: many products as one array of times, layers, rows and columns."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.cube.block import BlockPixels, make_block
    from s2kit.cube.formats import CubeFormat, CubeOutput, PictureStyle
    from s2kit.cube.plan import CubeBlock, CubePlan, Slice, Step
    from s2kit.cube.prepare import new_plan, plan_cube, ready_plan
    from s2kit.cube.request import CubeOptions, CubeRequest
    from s2kit.cube.run import CubeResult, make_cube
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.cube.block": ("BlockPixels", "make_block"),
            "s2kit.cube.formats": ("CubeFormat", "CubeOutput", "PictureStyle"),
            "s2kit.cube.plan": ("CubeBlock", "CubePlan", "Slice", "Step"),
            "s2kit.cube.prepare": ("new_plan", "plan_cube", "ready_plan"),
            "s2kit.cube.request": ("CubeOptions", "CubeRequest"),
            "s2kit.cube.run": ("CubeResult", "make_cube"),
        },
    )

__all__ = [
    "BlockPixels",
    "CubeBlock",
    "CubeFormat",
    "CubeOptions",
    "CubeOutput",
    "CubePlan",
    "CubeRequest",
    "CubeResult",
    "PictureStyle",
    "Slice",
    "Step",
    "make_block",
    "make_cube",
    "new_plan",
    "plan_cube",
    "ready_plan",
]
