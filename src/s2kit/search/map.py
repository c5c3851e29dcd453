"""A static page with footprints and areas: one HTML file that loads nothing from anywhere."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from s2kit.area.aoi import Aoi
from s2kit.catalogue.record import ProductRecord
from s2kit.grid import Bounds

WIDTH = 1000
"""Width of the drawing in SVG units."""

_LABEL_WIDTH = 60
_LABEL_LETTERS = 28
_LETTER_WIDTH, _LETTER_HEIGHT = 7.6, 15
"""Room that a letter of an area's name takes, in SVG units: 13 px, semi-bold."""
_AREAS_NAMED = 4
_MARGIN = 0.06
_MIN_SPAN_DEG = 0.2
_MIN_ASPECT, _MAX_ASPECT = 0.35, 0.62
_STEPS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 45)
_CLOUD_COLOURS = ((10, "#1a7f4b"), (30, "#6fae3f"), (60, "#d9a21b"), (101, "#c4562f"))
_UNKNOWN_COLOUR = "#5b6b7a"


@dataclass(frozen=True, slots=True)
class Colouring:
    """What the colours of footprints mean."""

    of: Callable[[ProductRecord], str]
    """The colour of a record, as CSS has it."""
    legend: Sequence[tuple[str, str]]
    """Colours with their meanings."""


def map_page(
    records: Sequence[ProductRecord],
    aois: Sequence[Aoi],
    *,
    complete: bool = True,
    colouring: Colouring | None = None,
) -> str:
    """The page.

    Args:
        records: What was found; a record without a footprint is in the list only. A product that answers several areas
            has a record for each, and is drawn and counted once.
        aois: The areas that were asked for.
        complete: False puts a warning on the page that products may be missing.
        colouring: What is shown by colours; None for cloud cover.
    """
    colours = colouring or _BY_CLOUDS
    answers = _by_product(records)
    records = [group[0] for group in answers]
    drawn = [record for record in records if record.geometry is not None and not record.geometry.is_empty]
    shapes = [record.geometry for record in drawn if record.geometry is not None]
    view = _View([*shapes, *(aoi.geometry for aoi in aois)])
    footprints = "".join(
        f'<a href="#p{number}"><path class="fp" id="f{number}" d="{view.path(record.geometry)}" '
        f'stroke="{colours.of(record)}" fill="{colours.of(record)}">'
        f"<title>{escape(_summary(answers[number]))}</title></path></a>\n"
        for number, record in enumerate(records)
        if record.geometry is not None and not record.geometry.is_empty
    )
    labels = _Labels(view.height)
    areas = "".join(_area(aoi, view, labels) for aoi in aois)
    days = sorted(f"{record.datetime:%Y-%m-%d}" for record in records)
    when = f"{' to '.join(dict.fromkeys((days[0], days[-1])))}, " if days else ""
    note = "" if complete else '<p class="warn">A catalogue failed: products may be missing.</p>'
    rows = "".join(_row(number, group, colours.of(group[0])) for number, group in enumerate(answers))
    return _PAGE.format(
        count=f"{len(records)} product{'' if len(records) == 1 else 's'}",
        when=when,
        areas=f"{len(aois)} area{'' if len(aois) == 1 else 's'}",
        note=note,
        width=WIDTH,
        height=f"{view.height:.0f}",
        opacity=f"{_opacity(shapes):.3f}",
        graticule=view.graticule(),
        footprints=footprints,
        aois=areas,
        legend=_legend(colours),
        rows=rows,
    )


def _by_product(records: Sequence[ProductRecord]) -> list[list[ProductRecord]]:
    """The records of each product, in order of first appearance."""
    groups: dict[str, list[ProductRecord]] = {}
    for record in records:
        groups.setdefault(record.id, []).append(record)
    return list(groups.values())


class _Labels:
    """Names of areas that lie neither over one another nor over the edge; pointing at an area shows its name, too."""

    def __init__(self, height: float) -> None:
        self._height = height
        self._taken: list[Bounds] = []

    def text(self, name: str, x: float, y: float) -> str:
        """A label centred at `x` with its baseline at `y`, in SVG units; empty if there is no room for it."""
        shown = name if len(name) <= _LABEL_LETTERS else f"{name[: _LABEL_LETTERS - 1]}…"
        half = len(shown) * _LETTER_WIDTH / 2 + 2
        x = min(max(x, half), WIDTH - half)
        y = min(max(y, _LETTER_HEIGHT), self._height - 4)
        box = Bounds(x - half, y - _LETTER_HEIGHT, x + half, y + 4)
        if any(_overlap(box, other) for other in self._taken):
            return ""
        self._taken.append(box)
        return f'<text class="name" x="{x:.1f}" y="{y:.1f}">{escape(shown)}</text>'


def _overlap(one: Bounds, other: Bounds) -> bool:
    return one.west < other.east and other.west < one.east and one.south < other.north and other.south < one.north


class _View:
    """Degrees to SVG units: plate carrée, stretched so that distances in the middle are true."""

    def __init__(self, geometries: Sequence[BaseGeometry]) -> None:
        self._turned = _crosses(geometries)
        turned = [shapely.transform(geometry, self._turn) for geometry in geometries] if self._turned else geometries
        west, south, east, north = shapely.total_bounds(list(turned)) if geometries else (-180.0, -60.0, 180.0, 75.0)
        middle_lat = max(-80.0, min(80.0, (south + north) / 2))
        squeeze = math.cos(math.radians(middle_lat))
        width = max(east - west, _MIN_SPAN_DEG) * (1 + 2 * _MARGIN)
        height = max(north - south, _MIN_SPAN_DEG) * (1 + 2 * _MARGIN)
        width = max(width, height / squeeze / _MAX_ASPECT)
        height = max(height, width * squeeze * _MIN_ASPECT)
        middle_lon = (west + east) / 2
        self.bounds = Bounds(
            middle_lon - width / 2, middle_lat - height / 2, middle_lon + width / 2, middle_lat + height / 2
        )
        self._scale_x = WIDTH / width
        self._scale_y = self._scale_x / squeeze
        self.height = height * self._scale_y

    @staticmethod
    def _turn(coordinates: np.ndarray) -> np.ndarray:
        turned = coordinates.copy()
        turned[turned[:, 0] < 0, 0] += 360
        return turned

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        """SVG coordinates of a place; y grows downwards."""
        if self._turned and lon < 0:
            lon += 360
        return (lon - self.bounds.west) * self._scale_x, (self.bounds.north - lat) * self._scale_y

    def path(self, geometry: BaseGeometry | None) -> str:
        """The outline as SVG path data."""
        parts: list[str] = []
        for part in shapely.get_parts(geometry):
            rings = [part.exterior, *part.interiors] if isinstance(part, Polygon) else [part]
            for ring in rings:
                words = [
                    f"{x:.1f},{y:.1f}" for x, y in (self.place(*xy) for xy in shapely.get_coordinates(ring).tolist())
                ]
                parts.append("M" + "L".join(words) + ("Z" if isinstance(part, Polygon) else ""))
        return "".join(parts)

    def graticule(self) -> str:
        """Meridians and parallels with their degrees."""
        span = max(self.bounds.east - self.bounds.west, self.bounds.north - self.bounds.south)
        step = next((step for step in _STEPS if span / step <= 9), _STEPS[-1])
        lines = []
        for number in range(math.ceil(self.bounds.west / step), math.floor(self.bounds.east / step) + 1):
            x = (number * step - self.bounds.west) * self._scale_x
            lines.append(f'<path d="M{x:.1f},0V{self.height:.0f}"/>')
            if x < WIDTH - _LABEL_WIDTH:
                lines.append(f'<text x="{x + 4:.1f}" y="{self.height - 6:.0f}">{_degrees(number * step, "EW")}</text>')
        for number in range(math.ceil(self.bounds.south / step), math.floor(self.bounds.north / step) + 1):
            y = (self.bounds.north - number * step) * self._scale_y
            lines.append(f'<path d="M0,{y:.1f}H{WIDTH}"/>')
            lines.append(f'<text x="4" y="{y - 4:.1f}">{_degrees(number * step, "NS")}</text>')
        return "".join(lines)


def _opacity(shapes: Sequence[BaseGeometry]) -> float:
    """Fill of one footprint, so that the deepest stack still lets the ground through."""
    places = {tuple(round(value) for value in shape.bounds) for shape in shapes}
    return min(0.16, 0.5 * max(1, len(places)) / max(1, len(shapes)))


def _crosses(geometries: Sequence[BaseGeometry]) -> bool:
    """True if the view is better centred on the antimeridian."""
    if not geometries:
        return False
    west, _, east, _ = shapely.total_bounds(list(geometries))
    if east - west < 300:
        return False
    return all(
        west > 0 or east < 0 for west, _, east, _ in shapely.bounds(shapely.get_parts(list(geometries))).tolist()
    )


def _degrees(value: float, signs: str) -> str:
    turned = (value + 180) % 360 - 180 if signs == "EW" else value
    sign = "" if turned in (0, -180) else signs[0] if turned > 0 else signs[1]
    return f"{abs(turned):g}°{sign}"


def _colour(record: ProductRecord) -> str:
    cover = record.cloud_cover
    return _UNKNOWN_COLOUR if cover is None else next(colour for bound, colour in _CLOUD_COLOURS if cover < bound)


def _summary(group: Sequence[ProductRecord]) -> str:
    """What pointing at a footprint shows: the product, and its share of each area."""
    record = group[0]
    cloud = "" if record.cloud_cover is None else f"\n{record.cloud_cover:.0f} % cloud"
    covers = [f"\ncovers {one.coverage_pct:.0f} % of {one.aoi}" for one in group if one.coverage_pct is not None]
    more = f"\nand {len(covers) - _AREAS_NAMED} more areas" if len(covers) > _AREAS_NAMED else ""
    return f"{record.id}\n{record.datetime:%Y-%m-%d %H:%M} UTC{cloud}{''.join(covers[:_AREAS_NAMED])}{more}"


def _area(aoi: Aoi, view: _View, labels: _Labels) -> str:
    title = f"<title>{escape(aoi.name)}</title>"
    points = [part for part in shapely.get_parts(aoi.geometry) if isinstance(part, Point)]
    circles = "".join(
        '<circle class="aoi" r="5" cx="{:.1f}" cy="{:.1f}"/>'.format(*view.place(p.x, p.y)) for p in points
    )
    x, y = view.place(*aoi.geometry.representative_point().coords[0])
    y -= 12 if points else -4  # beside a point, in the middle of an area
    label = labels.text(aoi.name, x, y)
    path = "" if points else f'<path class="aoi" d="{view.path(aoi.geometry)}"/>'
    return f"<g>{title}{path}{circles}{label}</g>\n"


def _row(number: int, group: Sequence[ProductRecord], colour: str) -> str:
    record = group[0]
    shares = [one.coverage_pct for one in group if one.coverage_pct is not None]
    names = [one.aoi for one in group if one.aoi]
    more = f" and {len(names) - _AREAS_NAMED} more" if len(names) > _AREAS_NAMED else ""
    cells = (
        f"{record.datetime:%Y-%m-%d %H:%M}",
        "" if record.cloud_cover is None else f"{record.cloud_cover:.1f}",
        record.tile or "",
        " to ".join(dict.fromkeys(f"{share:.0f}" for share in (min(shares), max(shares)))) if shares else "",
        f"{', '.join(names[:_AREAS_NAMED])}{more}",
    )
    columns = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    dot = f'<i style="background:{colour}"></i>'
    name = f'<a href="#f{number}">{escape(record.id)}</a>'
    return f'<tr id="p{number}"><td>{dot}</td><td class="id">{name}</td>{columns}</tr>\n'


_CLOUD_TEXTS = ("under 10 % cloud", "under 30 %", "under 60 %", "more")
_BY_CLOUDS = Colouring(
    _colour,
    (
        *zip((colour for _, colour in _CLOUD_COLOURS), _CLOUD_TEXTS, strict=True),
        (_UNKNOWN_COLOUR, "cloud not known"),
    ),
)


def _legend(colouring: Colouring) -> str:
    return "".join(f'<span><i style="background:{colour}"></i>{text}</span>' for colour, text in colouring.legend)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>s2kit search: {count}</title>
<style>
:root {{ color-scheme: light; --ink: #1c2733; --soft: #667788; --line: #dde4ea; --paper: #f6f8fa; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 1080px; padding: 24px 20px 60px; color: var(--ink); background: #fff;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }}
h1 {{ font-size: 20px; margin: 0; }}
p {{ margin: 2px 0 14px; color: var(--soft); }}
p.warn {{ color: #9c2f14; font-weight: 600; }}
svg {{ display: block; width: 100%; height: auto; background: var(--paper); border: 1px solid var(--line);
  border-radius: 6px; }}
svg .grid path {{ stroke: #d5dee6; stroke-width: 1; fill: none; }}
svg .grid text {{ font-size: 12px; fill: #8294a5; }}
svg .fp {{ fill-opacity: {opacity}; stroke-opacity: .85; stroke-width: 1.3; }}
svg .fp:hover, svg .fp:target {{ fill-opacity: .38; stroke-width: 3; }}
svg .aoi {{ fill: #1b4fd1; fill-opacity: .08; stroke: #1b4fd1; stroke-width: 2.2; pointer-events: none; }}
svg .name {{ font-size: 13px; font-weight: 600; fill: #12389b; text-anchor: middle; pointer-events: none;
  paint-order: stroke; stroke: #fff; stroke-width: 3px; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 22px; color: var(--soft); font-size: 13px; }}
i {{ display: inline-block; width: 10px; height: 10px; border-radius: 5px; margin-right: 6px; }}
.area {{ border-radius: 2px; background: #1b4fd133; border: 2px solid #1b4fd1; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }}
th {{ color: var(--soft); font-weight: 600; font-size: 12.5px; }}
td.id {{ font: 12.5px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
td a {{ color: inherit; text-decoration: none; }}
td a:hover {{ text-decoration: underline; }}
tr:target td {{ background: #fff4cf; }}
</style>
</head>
<body>
<h1>{count}</h1>
<p>{when}{areas} &middot; point at a footprint for its name, click it for its line; click a name for its footprint</p>
{note}
<svg viewBox="0 0 {width} {height}" role="img" aria-label="Footprints of the products and the areas asked for">
<g class="grid">{graticule}</g>
<g>
{footprints}</g>
<g>
{aois}</g>
</svg>
<div class="legend">{legend}<span><i class="area"></i>area</span></div>
<div class="scroll"><table>
<thead><tr><th></th><th>product</th><th>seen (UTC)</th><th>cloud %</th><th>tile</th><th>covers %</th><th>area</th></tr>
</thead>
<tbody>
{rows}</tbody>
</table></div>
</body>
</html>
"""
