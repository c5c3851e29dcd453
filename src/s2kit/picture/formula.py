"""Formulas of the user's own: arithmetic of bands, read from Python's syntax tree and from nothing else.

Pure: no input or output. Allowed are band names, numbers, `+ - * / **`, parentheses and the functions of `FUNCTIONS`;
whatever else the text holds is refused before any of it is computed.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2kit.errors import InputError
from s2kit.product.bands import is_measured, normal_band

Reflectance = NDArray[np.float32]
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = MappingProxyType(
    {
        "sqrt": (np.sqrt, 1),
        "abs": (np.abs, 1),
        "log": (np.log, 1),
        "exp": (np.exp, 1),
        "min": (np.minimum, 2),
        "max": (np.maximum, 2),
    }
)
"""Functions by name, each with the number of its arguments."""
LONGEST = 500
"""Characters of a formula at most."""
LARGEST = 1e30
"""Larger numbers count as infinite: float32 ends at 3.4e38."""
_DEEPEST = 60
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power}
)
_HINT = "as in 'name=(B08-B04)/(B08+B04+0.5)': bands, numbers, + - * / **, " + ", ".join(FUNCTIONS)


def normalised_difference(first: Reflectance, second: Reflectance) -> Reflectance:
    """`(first - second) / (first + second)` of reflectances, those below 0 taken as 0; see `picture.indices` for why.

    Returns:
        Values from -1 to 1; NaN where both are 0, or where one is NaN.
    """
    first, second = np.maximum(first, np.float32(0)), np.maximum(second, np.float32(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Reflectance = (first - second) / (first + second)
    return result


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read; small and picklable, called with one array a band."""

    text: str
    """With bands under their own names: `(B08 - B04) / (B08 + B04)`."""
    bands: tuple[str, ...]
    """Bands in the order of their first use; `__call__` takes their reflectances in this order."""

    def __call__(self, *reflectances: Reflectance) -> Reflectance:
        """The values, float32; a quotient `(a - b) / (a + b)` is a normalised difference."""
        names = dict(zip(self.bands, reflectances, strict=True))
        values: Reflectance = np.asarray(_value(ast.parse(self.text, mode="eval").body, names), np.float32)
        return values.copy() if any(values is one for one in reflectances) else values


def parse_formula(text: str) -> Formula:
    """Read a formula of bands, such as `(nir - red) / (nir + red + 0.5)`.

    Raises:
        InputError: It is not arithmetic of bands, too long, or names no band.
    """
    label = text if len(text) <= 60 else f"{text[:57]}..."
    if len(text) > LONGEST:
        raise InputError(f"formula {label!r} has {len(text)} characters", f"write at most {LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or "it is not understood"
        raise InputError(f"formula {label!r}: {reason}", _HINT) from error
    bands: dict[str, None] = {}
    read = _checked(tree, label, bands, 0)
    if not bands:
        raise InputError(f"formula {label!r} names no band", _HINT)
    return Formula(ast.unparse(read), tuple(bands))


def _checked(node: ast.expr, label: str, bands: dict[str, None], depth: int) -> ast.expr:
    """The same expression with bands under their own names; collects them.

    Raises:
        InputError: Something is not allowed.
    """
    if depth > _DEEPEST:
        raise InputError(f"formula {label!r} is nested too deeply", _HINT)

    def inner(part: ast.expr) -> ast.expr:
        return _checked(part, label, bands, depth + 1)

    match node:
        case ast.Constant(bool()):
            pass
        case ast.Constant(int() | float() as value):
            return ast.Constant(value if abs(value) < LARGEST else np.inf)
        case ast.Name(name):
            band = normal_band(name)
            if not is_measured(band):
                raise InputError(f"formula {label!r}: {band} holds no measurements", _HINT)
            bands[band] = None
            return ast.Name(band)
        case ast.UnaryOp(op, operand) if isinstance(op, ast.USub | ast.UAdd):
            return ast.UnaryOp(op, inner(operand))
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return ast.BinOp(inner(left), op, inner(right))
        case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS and len(arguments) == FUNCTIONS[name][1]:
            return ast.Call(ast.Name(name), [inner(part) for part in arguments], [])
    part = ast.unparse(node)
    hint = "a power is written **, not ^" if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor) else _HINT
    raise InputError(f"formula {label!r}: {part[:40]!r} is not allowed", hint)


def _value(node: ast.expr, names: Mapping[str, Reflectance]) -> Any:
    match node:
        case ast.Constant(value):
            return np.float32(value)  # type: ignore[arg-type]
        case ast.Name(name):
            return names[name]
        case ast.UnaryOp(op, operand):
            return -_value(operand, names) if isinstance(op, ast.USub) else _value(operand, names)
        case ast.Call(ast.Name(name), arguments):
            return FUNCTIONS[name][0](*(_value(part, names) for part in arguments))
        case ast.BinOp(ast.BinOp(a, ast.Sub(), b), ast.Div(), ast.BinOp(c, ast.Add(), d)) if _same(a, b, c, d):
            return normalised_difference(_value(a, names), _value(b, names))
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
    raise AssertionError("a formula holds only what was checked")


def _same(a: ast.expr, b: ast.expr, c: ast.expr, d: ast.expr) -> bool:
    """True if `c` and `d` are `a` and `b`, in either order."""
    return sorted([ast.dump(a), ast.dump(b)]) == sorted([ast.dump(c), ast.dump(d)])
