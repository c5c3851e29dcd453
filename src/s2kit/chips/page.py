"""One static page that shows series of chips: no script, no outside host, readable on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from string import Template
from urllib.parse import quote

COLUMNS = 8
"""Most pictures in a row."""
_FEWEST = 5
"""Fewer pictures are as wide as if there were so many."""


@dataclass(frozen=True, slots=True)
class PagePicture:
    """One chip on the page."""

    href: str
    """Path of the picture, relative to the page, not yet percent-encoded."""
    label: str
    """The text under it: `20220110T105331`, as the legacy services wrote it."""
    title: str
    """Product name, shown on hovering and to screen readers."""
    date: str = ""
    """The day as people write it, `10 Jan 2022`."""
    cloud_pct: float | None = None
    """Cloud in the chip, 0 to 100; None where nothing tells."""
    valid_pct: float = 100.0
    """Pixels with data, 0 to 100."""
    outline: Sequence[Sequence[tuple[float, float]]] = ()
    """Rings drawn over the picture, `(x, y)` from 0 to 1 from its upper left corner."""


@dataclass(frozen=True, slots=True)
class Series:
    """The chips of one place in ascending time."""

    place: str
    """What the place is called: a parcel, coordinates."""
    lines: Sequence[str]
    """What a reader wants to know of it, a line each: coordinates, size, bands, stretch, dates."""
    pictures: Sequence[PagePicture]
    side_px: int = 128
    notes: Sequence[str] = ()
    """What is lacking: places without data, products that failed."""


@dataclass(frozen=True, slots=True)
class Legend:
    """The colours of an index, from low to high."""

    title: str
    colours: Sequence[tuple[int, int, int]]
    labels: Sequence[str]
    """Values at even distances along the colours, from low to high."""


_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6878; --line: #d9dee5; --paper: #f6f7f9; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf1; --soft: #9aa7b6; --line: #333d49; --paper: #14191f; --card: #1d242c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 1500px; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1, h2 { margin: 0 0 .2rem; line-height: 1.2; font-size: 1.5rem; }
.facts { margin: 0 0 1rem; padding: 0; list-style: none; color: var(--soft);
  display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; }
.note { margin: 0 0 .8rem; padding: .5rem .8rem; border-left: 4px solid #d08b17; background: var(--card); }
section { margin-bottom: 2rem; }
.chips { display: grid; gap: 10px; margin: 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(max(130px, calc((100% - $gaps) / $columns)), 1fr)); }
.chips li { background: var(--card); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.chips a { display: block; color: inherit; text-decoration: none; }
.chips img { display: block; width: 100%; height: auto; aspect-ratio: 1; image-rendering: pixelated;
  background: repeating-conic-gradient(#8883 0 25%, #0000 0 50%) 0 0 / 16px 16px; }
.chips .picture { display: block; position: relative; overflow: hidden; }
.chips svg { position: absolute; inset: 0; width: 100%; height: 100%; fill: none; stroke-linejoin: round; }
.chips svg .halo { stroke: #0009; stroke-width: 4; } .chips svg .line { stroke: #ffe14d; stroke-width: 1.6; }
.chips svg path { vector-effect: non-scaling-stroke; }
.chips .when { display: block; padding: .35rem .5rem 0; font-weight: 600; }
.chips .label { display: block; padding: 0 .5rem; color: var(--soft);
  font: 12px/1.4 ui-monospace, Menlo, Consolas, monospace; }
.chips .sky { display: block; padding: 0 .5rem .4rem; font-size: 13px; color: var(--soft); }
.sky i { display: inline-block; width: .7em; height: .7em; margin-right: .35em; border-radius: 50%;
  border: 1px solid var(--soft); }
.legend { margin: 0 0 1rem; max-width: 420px; }
.legend .bar { height: 14px; border-radius: 3px; border: 1px solid var(--line); }
.legend .ticks { display: flex; justify-content: space-between; font-size: 13px; color: var(--soft); }
footer { color: var(--soft); font-size: 13px; border-top: 1px solid var(--line); padding-top: .6rem; }
@media (max-width: 480px) { body { padding: .7rem; } .chips { grid-template-columns: repeat(2, 1fr); gap: 8px; } }
</style>
</head>
<body>
$sections<footer>$footer</footer>
</body>
</html>
""")

_CHIP = Template("""\
<li><a href="$href" title="$title"><span class="picture">\
<img id="$id" src="$href" alt="$alt" width="$side" height="$side" loading="lazy">$outline</span>\
<span class="when">$date</span><span class="label">$label</span><span class="sky">$sky</span></a></li>
""")


def render_page(series: Sequence[Series], *, footer: str, legend: Legend | None = None) -> str:
    """The page as HTML text.

    Args:
        series: One section each, in the order given; pictures stand in the order given.
        footer: Credits, plain text.
        legend: For pictures of an index.
    """
    most = max((len(one.pictures) for one in series), default=0)
    columns = min(COLUMNS, max(_FEWEST, most))
    title = series[0].place if len(series) == 1 else f"{len(series)} places"
    return _PAGE.substitute(
        title=escape(f"Chips: {title}"),
        columns=columns,
        gaps=f"{(columns - 1) * 10}px",
        sections="".join(_section(one, at, len(series), legend if at == 0 else None) for at, one in enumerate(series)),
        footer=escape(footer),
    )


def _section(series: Series, at: int, count: int, legend: Legend | None) -> str:
    heading = "h1" if count == 1 else "h2"
    facts = "".join(f"<li>{escape(line)}</li>" for line in series.lines)
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in series.notes)
    prefix = "" if count == 1 else f"{at + 1}-"
    chips = "".join(_chip(picture, series.side_px, prefix) for picture in series.pictures)
    return (
        f'<section>\n<{heading}>{escape(series.place)}</{heading}>\n<ul class="facts">{facts}</ul>\n'
        f'{_legend(legend) if legend else ""}{notes}<ul class="chips">\n{chips}</ul>\n</section>\n'
    )


def _chip(picture: PagePicture, side_px: int, prefix: str) -> str:
    return _CHIP.substitute(
        href=escape(quote(picture.href)),
        title=escape(picture.title),
        id=escape(prefix + picture.label),
        label=escape(picture.label),
        alt=escape(f"{picture.date or picture.label}, {picture.title}"),
        side=side_px,
        outline=_outline(picture.outline),
        date=escape(picture.date or picture.label),
        sky=_sky(picture),
    )


def _outline(rings: Sequence[Sequence[tuple[float, float]]]) -> str:
    if not rings:
        return ""
    path = " ".join("M" + " L".join(f"{x:.4f} {y:.4f}" for x, y in ring) + "Z" for ring in rings)
    return (
        '<svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="halo" d="{path}"/><path class="line" d="{path}"/></svg>'
    )


def _sky(picture: PagePicture) -> str:
    words = []
    if picture.cloud_pct is not None:
        grey = round(255 - 2.2 * (100 - picture.cloud_pct))  # blue sky to white cloud
        words.append(
            f'<i style="background: rgb({max(90, grey)} {max(165, grey)} 255)"></i>'
            + ("clear" if picture.cloud_pct < 0.5 else f"cloud {picture.cloud_pct:.0f} %")
        )
    if picture.valid_pct < 99.95:
        words.append(f"data {picture.valid_pct:.0f} %")
    return " · ".join(words) or "&nbsp;"


def _legend(legend: Legend) -> str:
    stops = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in legend.colours)
    ticks = "".join(f"<span>{escape(label)}</span>" for label in legend.labels)
    return (
        f'<div class="legend"><strong>{escape(legend.title)}</strong>\n'
        f'<div class="bar" style="background: linear-gradient(to right, {stops})"></div>\n'
        f'<div class="ticks">{ticks}</div></div>\n'
    )
