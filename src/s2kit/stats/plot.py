"""The course of an index as a chart: clear dates filled, cloudy ones hollow (matplotlib, the `plot` extra)."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2kit.errors import ConfigError, InputError
from s2kit.picture.indices import index_of
from s2kit.run.files import refuse_existing
from s2kit.run.locks import locked_file
from s2kit.stats.rows import StatsRow
from s2kit.stats.run import StatsRun

_FORMATS = {".png", ".svg", ".pdf"}
_MOST_PARCELS = 12
_CLEAR_PCT = 99.5


def draw(run: StatsRun, path: Path, *, overwrite: bool = False) -> Path:
    """Draw the index of a counting against its dates, a line for each parcel.

    Args:
        run: With one index among its layers.
        path: `.png`, `.svg` or `.pdf`.
        overwrite: True where a file may be replaced.

    Returns:
        The path.

    Raises:
        ConfigError: matplotlib is not installed.
        InputError: Another format, too many parcels, or nothing to draw.
        OutputError: The file exists or cannot be written.
    """
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"a chart cannot be written as {path.name}", f"take {', '.join(sorted(_FORMATS))}")
    if not overwrite:
        refuse_existing(path)
    if len(run.request.parcels) > _MOST_PARCELS:
        raise InputError(f"{len(run.request.parcels)} parcels are too many for a chart", "choose some with --pid")
    index = next(found for layer in run.request.recipe.layers if (found := index_of(layer)) is not None)
    _require_matplotlib()
    rows = [row for row in run.rows() if row.numbers.layer == index.name]
    drawn = [row for row in rows if row.numbers.summary is not None and row.numbers.summary.mean is not None]
    if not drawn:
        raise InputError("there is nothing to draw: no product has data in the parcels")
    with locked_file(path, overwrite=overwrite) as part:
        part.write_bytes(_chart(drawn, index.name.upper(), index.title, path.suffix[1:]))
    return path


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError("a chart needs matplotlib", "pip install 's2kit[plot]'") from error


def _chart(rows: Sequence[StatsRow], name: str, title: str, form: str) -> bytes:
    import matplotlib.dates
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    dates: Any = matplotlib.dates
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for pid in dict.fromkeys(row.pid for row in rows):
        _line(axes, [row for row in rows if row.pid == pid], pid)
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.set_ylabel(f"{name} (mean; bar: 25 % to 75 %)")
    axes.set_title(f"{title} of {'parcel' if len({row.pid for row in rows}) == 1 else 'parcels'}", loc="left")
    axes.grid(alpha=0.3)
    axes.plot([], [], "o", color="0.4", label="clear")
    axes.plot([], [], "o", color="0.4", markerfacecolor="none", label="cloudy")
    axes.legend(loc="best", fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=130)
    return buffer.getvalue()


def _line(axes: Any, rows: Sequence[StatsRow], pid: str) -> None:
    """One parcel: a line through the clear dates, points for all, hollow where it was cloudy."""
    clear = [row for row in rows if row.numbers.clear_pct is None or row.numbers.clear_pct >= _CLEAR_PCT]
    (line,) = axes.plot([row.sensing for row in clear], [_mean(row) for row in clear], "-", linewidth=1.3)
    colour = line.get_color()
    for row in rows:
        summary = row.numbers.summary
        assert summary is not None
        assert summary.p25 is not None
        assert summary.p75 is not None
        axes.plot([row.sensing] * 2, [summary.p25, summary.p75], "-", color=colour, alpha=0.35, linewidth=3)
        face = colour if row in clear else "white"
        axes.plot([row.sensing], [_mean(row)], "o", color=colour, markerfacecolor=face, zorder=3)
    axes.plot([], [], "-o", color=colour, label=f"parcel {pid}")


def _mean(row: StatsRow) -> float:
    assert row.numbers.summary is not None
    assert row.numbers.summary.mean is not None
    return row.numbers.summary.mean
