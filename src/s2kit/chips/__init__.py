"""Series of small pictures or raw cut-outs at places: `plan` says what would be cut, `cut` cuts it."""

from s2kit.chips.run import ChipsRequest, ChipsResult, cut, plan

__all__ = ["ChipsRequest", "ChipsResult", "cut", "plan"]
