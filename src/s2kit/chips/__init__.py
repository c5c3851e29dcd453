"""Series of small pictures or raw cut-outs at places: `plan` lists what would be cut, `make_chips` cuts and writes."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.chips.make import ChipsMade, make_chips
    from s2kit.chips.request import ChipOptions, ChipsRequest
    from s2kit.chips.run import ChipsResult, plan
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.chips.make": ("ChipsMade", "make_chips"),
            "s2kit.chips.request": ("ChipOptions", "ChipsRequest"),
            "s2kit.chips.run": ("ChipsResult", "plan"),
        },
    )

__all__ = ["ChipOptions", "ChipsMade", "ChipsRequest", "ChipsResult", "make_chips", "plan"]
