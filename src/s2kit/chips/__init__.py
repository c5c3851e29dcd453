"""Series of small pictures or raw cut-outs at places: `plan` lists what would be cut, `make_chips` cuts and writes."""

from s2kit.chips.make import ChipsMade, make_chips
from s2kit.chips.request import ChipOptions, ChipsRequest
from s2kit.chips.run import ChipsResult, cut, plan

__all__ = ["ChipOptions", "ChipsMade", "ChipsRequest", "ChipsResult", "cut", "make_chips", "plan"]
