"""Draw charts as SVG that screens, printers in black and white, and screen readers can read."""

import re
from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK, ACCENT, GREY, PALE = "#1a1a1a", "#0b4f8a", "#767676", "#e6e6e6"
# Darkness grows with the number, so a copy in black and white says the same.
SHADES = LinearSegmentedColormap.from_list("shades", ["#f4f7fa", "#8fb3d3", ACCENT])
WIDTH = 5.2
STYLE: Any = {
    "font.size": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    # Text stays text: it can be searched, read aloud, and is sharp on every screen.
    "svg.fonttype": "none",
    # The same numbers give the same file.
    "svg.hashsalt": "regulars",
}
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return an empty chart as wide as a phone shows it well; inches."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        return figure, figure.subplots()


def bars(labels: Sequence[str], values: Sequence[float], texts: Sequence[str], unit: str) -> Figure:
    """Draw one bar per label, the first on top, with its number written beside it."""
    figure, axes = canvas(0.7 + 0.34 * len(labels))
    drawn = axes.barh(range(len(labels)), values, color=ACCENT, height=0.66)
    axes.bar_label(drawn, labels=list(texts), padding=4)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.22)
    axes.set_xlim(left=0)
    axes.set_xlabel(unit)
    axes.xaxis.set_ticks([])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
    return figure


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    highest: float,
) -> Figure:
    """Draw a table whose cells are the darker the larger their value; None is hatched.

    `values` has one list per row; `highest` is the value of the darkest shade.
    """
    figure, axes = canvas(0.7 + 0.34 * len(rows))
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            _cell(axes, x, y, value, texts[y][x], highest)
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([x + 0.5 for x in range(len(columns))], columns)
    axes.set_yticks([y + 0.5 for y in range(len(rows))], rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _cell(axes: Axes, x: int, y: int, value: float | None, text: str, highest: float) -> None:
    level = 0.0 if value is None else min(value / (highest or 1.0), 1.0)
    style: dict[str, Any] = {"facecolor": SHADES(level), "edgecolor": "white", "linewidth": 1.5}
    if value is None:
        style = {"facecolor": "white", "edgecolor": PALE, "hatch": "////", "linewidth": 0.0}
    axes.fill_between([x, x + 1], y, y + 1, **style)
    ink = "white" if level > 0.6 else GREY if value is None else INK
    axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", color=ink)


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """Return one inline SVG element with a title and a text for those who cannot see it.

    `name` keeps the ids of several charts on one page apart.
    """
    written = StringIO()
    with rc_context(STYLE):
        figure.savefig(written, format="svg", metadata=NO_METADATA)
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    box = re.search(r'viewBox="[^"]+"', svg)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-labelledby="{name}-title {name}-description" {box[0] if box else ""}>'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>'
    )
    return head + svg[svg.index(">") + 1 :].strip()
