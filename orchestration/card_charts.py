"""Draw what a training measured: gains, calibration, bands and drift, as PNG beside a card."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from math import sqrt
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from ml.card import Picture
from ml.markdown import words
from orchestration.charts import ACCENT, GREY, INK, PALE, STYLE, canvas

Report = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]
DOTS_PER_INCH = 144
DRIFTS_SHOWN = 10
DIAMOND: Any = {"fmt": "D", "color": ACCENT, "ms": 7, "capsize": 4, "lw": 2}


def draw(report: Report) -> Iterator[tuple[Picture, Figure]]:
    """Yield the pictures that a report has the numbers for."""
    gains = [row for row in report.get("gains", ()) if abs(row["lower"]) < float("inf")]
    if gains:
        yield _gains(gains, str(report.get("baseline", "naive rule")))
    for name, rows in _calibrations(report).items():
        yield _calibration(name, rows)
    if report.get("bands") and "uplift" in report["bands"][0]:
        yield _bands(report["bands"])
    if report.get("drift"):
        yield _drift(report["drift"])


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG; the same numbers give the same bytes."""
    written = BytesIO()
    with rc_context(STYLE):
        figure.savefig(written, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return written.getvalue()


def _gains(rows: Rows, baseline: str) -> tuple[Picture, Figure]:
    """Draw one interval per kind, beside the line of the naive rule."""
    names = [words(row["kind"]) for row in rows]
    against = rows[0].get("against") or words(baseline)
    figure = _intervals(names, rows, f"{rows[0]['measure']}\n(line: {against}; right is better)")
    reading = (
        "Each diamond is what a kind gains, with its 95 % interval. Where the interval reaches the "
        "line at 0, nothing is proven."
    )
    title = f"How much better than {rows[0].get('against') or 'the naive rule'}?"
    return Picture("gains.png", title, reading), figure


def _bands(rows: Rows) -> tuple[Picture, Figure]:
    """Draw what a contact adds, by fifth of the ranking."""
    told = [
        {name: 100 * row[key] for name, key in
         (("mean", "uplift"), ("lower", "lower"), ("upper", "upper"))}
        for row in rows
    ]  # fmt: skip
    names = [f"fifth {row['band']}" for row in rows]
    figure = _intervals(names, told, "orders that a contact adds, per 100 persons")
    reading = (
        "The last fifth is ranked first. Left of the line a contact costs orders; intervals hold "
        "jointly for all fifths."
    )
    return Picture("bands.png", "Whom does a contact move?", reading), figure


def _intervals(names: Sequence[str], rows: Rows, unit: str) -> Figure:
    figure, axes = canvas(1.1 + 0.38 * len(names))
    for place, row in enumerate(rows):
        around = [[row["mean"] - row["lower"]], [row["upper"] - row["mean"]]]
        axes.errorbar([row["mean"]], [place], xerr=around, **DIAMOND)
    axes.axvline(0, color=INK, lw=1.2)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel(unit)
    return figure


def _calibrations(report: Report) -> dict[str, Rows]:
    """Return the tables of what was expected and what came, by name; '' for an only one."""
    found = report.get("calibration") or report.get("tenths") or ()
    named = found if isinstance(found, Mapping) else {"": found}
    columns = ("mean_probability", "mean_expected")
    return {
        str(name): rows
        for name, rows in named.items()
        if rows and isinstance(rows[0], Mapping) and any(column in rows[0] for column in columns)
    }


def _calibration(name: str, rows: Rows) -> tuple[Picture, Figure]:
    """Draw what came against what was expected, per tenth of the rows."""
    is_share = "mean_probability" in rows[0]
    keys = ("mean_probability", "actual_rate") if is_share else ("mean_expected", "mean_actual")
    factor = 100 if is_share else 1
    expected, actual = ([factor * row[key] for row in rows] for key in keys)
    figure, axes = canvas(4.0)
    highest = max(*expected, *actual, 1e-9)
    axes.plot([0, highest], [0, highest], color=GREY, lw=1.2, ls="--")
    if is_share:
        spread = [factor * _around(row["actual_rate"], row["count"]) for row in rows]
        axes.errorbar(expected, actual, yerr=spread, **{**DIAMOND, "fmt": "o", "ms": 6})
    else:
        axes.plot(expected, actual, "o", color=ACCENT, ms=6)
    unit = "%" if is_share else "money"
    axes.set_xlabel(f"expected, {unit}")
    axes.set_ylabel(f"came, {unit}")
    axes.grid(color=PALE)
    axes.set_axisbelow(True)
    title = "Does it mean what it says?" + (f" {name.capitalize()}" if name else "")
    reading = (
        "Each point is a tenth of the rows of the newest closed window, judged before it was "
        "learnt from. On the dashed line as much came as was expected; above it, more."
    )
    file = f"calibration{'_' + name if name else ''}.png"
    return Picture(file, title, reading), figure


def _drift(rows: Rows) -> tuple[Picture, Figure]:
    """Draw the columns that moved most, each with the limit that chance explains."""
    shown = rows[:DRIFTS_SHOWN]
    figure, axes = canvas(1.2 + 0.32 * len(shown))
    places, values = range(len(shown)), [row["stability_index"] for row in shown]
    is_moved = [row["stability_index"] > row["limit"] for row in shown]
    axes.barh(places, values, color=[ACCENT if one else GREY for one in is_moved], height=0.6)
    for place, row in zip(places, shown, strict=True):
        axes.plot([row["limit"]] * 2, [place - 0.42, place + 0.42], color=INK, lw=1.6)
    axes.set_yticks(places, [words(row["feature"]) for row in shown])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("population stability index")
    reading = (
        "Bars are how far today's customers differ from those it was judged on. A bar beyond its "
        "black mark is more than chance explains (95 %, and at least 0.1)."
    )
    return Picture("drift.png", "Has the shop changed since?", reading), figure


def _around(share: float, count: int) -> float:
    """Return half the 95 % interval of a share."""
    return 1.96 * sqrt(max(share * (1 - share), 0.0) / max(count, 1))
