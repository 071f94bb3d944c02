"""Turn the rows of a mart into a chart and the sentence that says what it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from orchestration.charts import ACCENT, GREY, bars, canvas, grid

Frame = pd.DataFrame
MOVES_SHOWN, MOMENTS_SHOWN, WEEKS = 12, 24, 8
SEGMENT_WEEKS, LARGEST_Z = 5, 4.0


@dataclass(frozen=True)
class Chart:
    """A figure, what it says in one sentence, and the numbers behind it."""

    figure: Figure
    sentence: str
    numbers: Frame


@dataclass(frozen=True)
class Section:
    """What to ask and how to draw it; `relation` is the mart it needs, `columns` those of it."""

    name: str
    title: str
    reading: str
    relation: str
    columns: frozenset[str]
    query: str
    draw: Callable[[Frame], Chart]


def percent(share: Any, digits: int = 0) -> str:
    """Return a share as people write it."""
    return f"{float(share):.{digits}%}"


def words(name: Any) -> str:
    """Return a name of the warehouse as words."""
    return str(name).replace("_", " ")


def draw_second_purchases(frame: Frame) -> Chart:
    """Draw the curve of the whole shop as far as it is mature, with its two windows."""
    shop, curve = frame.iloc[0], frame[frame["is_mature"]]
    figure, axes = canvas(3.4)
    share, margin = curve["share_purchased"] * 100, curve["standard_error"] * 196
    axes.fill_between(curve["day"], share - margin, share + margin, color=ACCENT, alpha=0.18, lw=0)
    axes.plot(curve["day"], share, color=ACCENT, lw=2)
    if shop["is_reliable"]:
        marks = (("W2", "w2_days", "--"), ("W95", "w95_days", ":"))
        for label, column, line in marks:
            axes.axvline(shop[column], color=GREY, lw=1.4, ls=line)
            place = (shop[column], 1)
            axes.annotate(
                f" {label}: day {shop[column]}", place, xycoords=("data", "axes fraction"), va="top"
            )
    axes.set_xlim(0, 365)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("days since the first purchase")
    axes.set_ylabel("% bought again")
    return Chart(figure, _second_purchase_sentence(shop, curve), _some_days(curve))


def _second_purchase_sentence(shop: Any, curve: Frame) -> str:
    if shop["is_reliable"]:
        return (
            f"{percent(curve['share_purchased'].iloc[-1])} of first-time buyers buy again within a "
            f"year; half of those do by day {shop['median_days']:.0f}, "
            f"{percent(shop['share_within_10_days'])} within 10 days. The curve bends on day "
            f"{shop['w2_days']}; 95 of 100 second purchases have come by day {shop['w95_days']}."
        )
    return (
        f"{percent(curve['share_purchased'].iloc[-1])} of first-time buyers buy again within "
        f"{curve['day'].iloc[-1]} days, as far as the curve reaches. W2 and W95 are not measured "
        f"({shop['reason']})."
    )


def _some_days(curve: Frame) -> Frame:
    wanted = curve[curve["day"].isin([1, 3, 7, 10, 14, 30, 60, 90, 180, 365])]
    return pd.DataFrame(
        {
            "day": wanted["day"],
            "bought again": wanted["share_purchased"].map(lambda share: percent(share, 1)),
            "of those who do within a year": wanted["share_of_second_purchases"].map(
                lambda share: "unknown" if pd.isna(share) else percent(share, 1)
            ),
            "buyers watched": wanted["count_followed"],
        }
    )


def draw_first_purchases(frame: Frame) -> Chart:
    """Draw the share that buys again within a year, by what and where the first purchase was."""
    known = frame[frame["share_purchased_365d"].notna()]
    labels = [
        "whole shop" if kind == "all" else f"{words(kind)[6:]}: {words(segment)}"
        for kind, segment in zip(known["segment_type"], known["segment"], strict=True)
    ]
    shares = [float(share) for share in known["share_purchased_365d"]]
    texts = [
        f"{percent(share)}, W2 day {window}"
        for share, window in zip(shares, known["w2_days"], strict=True)
    ]
    figure = bars(labels, shares, texts, "share who buy again within a year")
    least, most = shares.index(min(shares)), shares.index(max(shares))
    low, high = (f"{percent(shares[row])} ({labels[row]})" for row in (least, most))
    sentence = f"{low if low == high else f'From {low} to {high}'} buy again within a year."
    return Chart(figure, sentence, frame)


def draw_retention(frame: Frame) -> Chart:
    """Draw one row per quarter of first purchase and one column per year; hatched is not over."""
    rates = frame.pivot(index="quarter", columns="year_number", values="rate").sort_index()
    rates = rates.dropna(axis="columns", how="all")
    values = [[None if pd.isna(rate) else float(rate) for rate in row] for row in rates.to_numpy()]
    texts = [["·" if rate is None else percent(rate) for rate in row] for row in values]
    figure = grid(list(rates.index), [f"year {year}" for year in rates.columns], values, texts, 1.0)
    over = frame[frame["is_mature"]].groupby("year_number")[["retained", "active"]].sum()
    told = [
        f"{percent(retained / active)} bought again in year {year}"
        for year, retained, active in over.itertuples()
    ]
    sentence = "Of those who bought the year before, " + ", ".join(told) + "."
    return Chart(figure, sentence, frame)


def draw_graduation(frame: Frame) -> Chart:
    """Draw per month how many of its new customers came back in time, and how many stayed."""
    figure, axes = canvas(3.2)
    months = pd.to_datetime(frame["cohort_month"])
    for column, label, line in (
        ("second_rate", "bought again in time", "--"),
        ("graduation_rate", "and are still active", "-"),
    ):
        axes.plot(months, frame[column] * 100, ls=line, color=ACCENT, lw=2, label=label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("% of the month's new customers")
    axes.legend(frameon=False, loc="lower left")
    axes.tick_params(axis="x", rotation=30)
    last = frame.iloc[-1]
    sentence = (
        f"Of the new customers of {months.iloc[-1]:%B %Y}, the newest month that can be judged, "
        f"{percent(last['second_rate'])} bought again in time and "
        f"{percent(last['graduation_rate'])} are still active."
    )
    return Chart(figure, sentence, frame)


def draw_moves(frame: Frame) -> Chart:
    """Draw the moves between stages of the last 30 days, the most frequent first."""
    shown = frame.head(MOVES_SHOWN)
    labels = [
        f"{words(before)} → {words(after)}"
        for before, after in zip(shown["from_stage"], shown["to_stage"], strict=True)
    ]
    counts = [int(count) for count in shown["customers"]]
    figure = bars(labels, counts, [f"{count:,}" for count in counts], "customers, last 30 days")
    sentence = (
        f"{int(frame['customers'].sum()):,} moves in the last 30 days; the most frequent was from "
        f"{labels[0].replace('→', 'to')}, {counts[0]:,} times."
    )
    return Chart(figure, sentence, frame)


def draw_stages(frame: Frame) -> Chart:
    """Draw how many people are in each stage today."""
    counts = [int(count) for count in frame["customers"]]
    figure = bars(
        [words(stage) for stage in frame["stage"]], counts, [f"{count:,}" for count in counts],
        "customers today",
    )  # fmt: skip
    largest = words(frame["stage"].iloc[0])
    share = percent(counts[0] / sum(counts))
    return Chart(
        figure,
        f"{sum(counts):,} people in all; the largest stage is “{largest}” with {share} of them.",
        frame,
    )


def draw_tiers(frame: Frame) -> Chart:
    """Draw how many customers are in each value tier."""
    counts = [int(count) for count in frame["customers"]]
    texts = [f"{count:,} ({percent(count / sum(counts))})" for count in counts]
    figure = bars([words(tier) for tier in frame["value_tier"]], counts, texts, "customers")
    sentence = f"{sum(counts):,} customers are in {len(counts)} tiers."
    return Chart(figure, sentence, frame)


def draw_handover(frame: Frame) -> Chart:
    """Draw per kind of lead how many would be handed over and how many of those would buy."""
    figure, axes = canvas(3.2)
    marks = zip(("-", "--", ":"), ("o", "s", "^"), frame.groupby("lead_kind"), strict=False)
    for line, marker, (kind, curve) in marks:
        label = f"{words(kind)}s"
        axes.plot(curve["leads"], curve["precision"] * 100, ls=line, color=ACCENT, label=label)
        best = curve[curve["is_chosen"]]
        axes.plot(best["leads"], best["precision"] * 100, marker, color=ACCENT, ms=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("handed over in a month")
    axes.set_ylabel("% that buy in time")
    axes.legend(frameon=False, loc="upper right")
    chosen = frame[frame["is_chosen"]]
    said = [
        f"{words(row.lead_kind)}s from score {row.threshold} on: {row.leads:,.0f} a month, of whom "
        f"{percent(row.precision)} buy and {percent(row.recall)} of all buyers are among them"
        for row in chosen.itertuples()
    ]
    return Chart(figure, f"Worth most are {'; '.join(said)}.", frame)


def draw_segments(frame: Frame) -> Chart:
    """Draw how large each segment was week by week; dark is what it usually is not."""
    sizes, distances = (
        frame.pivot(index="segment", columns="size_date", values=column).sort_index()
        for column in ("count_members", "robust_z")
    )
    values = [
        [None if pd.isna(distance) else abs(float(distance)) for distance in row]
        for row in distances.to_numpy()
    ]
    texts = [["·" if pd.isna(n) else f"{n:,.0f}" for n in row] for row in sizes.to_numpy()]
    days = [f"{day:%d.%m}" for day in pd.to_datetime(sizes.columns)]
    figure = grid([words(name) for name in sizes.index], days, values, texts, LARGEST_Z)
    today = frame[frame["is_current"]]
    odd = [f"“{words(name)}”" for name in today[today["is_deviating"]]["segment"]]
    judged = f"not of their usual size: {', '.join(odd)}" if odd else "none of an unusual size"
    return Chart(figure, f"Segments: {len(today)}, {judged}.", frame)


def draw_moments(frame: Frame) -> Chart:
    """Draw how often each moment was detected per week, the most frequent first."""
    table = frame.pivot_table(
        index="moment", columns="week", values="moments", aggfunc="sum", fill_value=0
    )
    table = table.loc[table.sum(axis=1).sort_values(ascending=False).index[:MOMENTS_SHOWN]]
    counts = table.to_numpy()
    values: list[list[float | None]] = [[float(count) for count in row] for row in counts]
    texts = [[f"{count:,.0f}" for count in row] for row in counts]
    weeks = [f"{week:%d.%m}" for week in pd.to_datetime(table.columns)]
    figure = grid([words(name) for name in table.index], weeks, values, texts, counts.max())
    sentence = (
        f"{int(frame['moments'].sum()):,} moments of {frame['moment'].nunique()} kinds in "
        f"{len(weeks)} weeks; most often “{words(table.index[0])}”."
    )
    return Chart(figure, sentence, frame)
