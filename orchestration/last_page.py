"""The last page of a run: what came in, who they are, what is predicted and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from orchestration.terminal import console


def show_summary(summary: Mapping[str, Any]) -> None:
    """Print the tables at the end of a demo but the syncs: sources, people, stages, predictions."""
    console.print()
    _show_sources(summary["sources"], summary["quarantine"])
    _show_people(summary)
    _show_stages(summary["stages"])
    _show_deviations(summary["deviations"])
    _show_model(summary["model"])
    _show_value(summary["value"])
    _show_second_purchase(summary["second_purchase"])
    _show_offers(summary["offers"])
    _show_uplift(summary["uplift"])
    _show_timing(summary["timing"])
    _show_groups(summary["groups"])
    _show_leads(summary["leads"])
    _show_visits(summary["visits"])


def _show_sources(sources: Sequence[Mapping[str, Any]], bad: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="What came in", title_justify="left", title_style="bold")
    for name in ("source", "tables"):
        table.add_column(name)
    for name in ("rows", "in quarantine"):
        table.add_column(name, justify="right")
    for source in sources:
        tables = ", ".join(source["tables"]) or "[dim]not connected[/]"
        table.add_row(source["source"], tables, f"{source['rows']:,}", f"{source['quarantined']:,}")
    console.print(table)
    for row in bad[:6]:
        console.print(
            f"  [yellow]{row['rows']:,}[/] rows of {row['source']}/{row['table_name']} kept aside: "
            f"{row['reason'].replace('_', ' ')}"
        )


EXCLUDED = {
    "placeholder": "placeholders",
    "crowded": "on too many records or names",
    "refused": "would have joined two people",
}
CHANGED = {
    "merge": "turned out to be a known customer",
    "split": "were split off",
    "restore": "became separate again",
    "move": "exchanged records",
    "rename": "got a new id",
}


def _show_people(summary: Mapping[str, Any]) -> None:
    people = summary["people"]
    console.print(
        f"\n[bold]Who they are[/]  {people['source_records']:,} records of people → "
        f"[bold]{people['customers']:,}[/] customers "
        f"({people['merged_records']:,} records merged), {people['buyers']:,} of them have bought",
        soft_wrap=True,
    )
    excluded = summary["excluded_identifiers"]
    if excluded:
        reasons = ", ".join(f"{count:,} {EXCLUDED[name]}" for name, count in excluded.items())
        console.print(f"  identifiers that join nobody: {reasons}", soft_wrap=True)
    if summary["customer_merges"]:
        changes = (
            f"{count:,} {CHANGED[name]}" for name, count in summary["customer_merges"].items()
        )
        console.print(f"  since the last data: {', '.join(changes)}", soft_wrap=True)


def _show_stages(stages: Sequence[Mapping[str, Any]]) -> None:
    total = sum(row["customers"] for row in stages) or 1
    table = Table(title="Where they are", title_justify="left", title_style="bold")
    table.add_column("stage")
    table.add_column("customers", justify="right")
    table.add_column("share", justify="right")
    for row in stages:
        share = row["customers"] / total
        table.add_row(str(row["stage"]).replace("_", " "), f"{row['customers']:,}", f"{share:.1%}")
    console.print()
    console.print(table)


def _show_deviations(deviations: Sequence[Mapping[str, Any]]) -> None:
    for row in deviations:
        usual = "not known" if row["usual"] is None else f"{row['usual']:,.0f}"
        console.print(
            f"  [yellow]Segment {row['segment']}[/] has {row['members']:,} members; "
            f"usual are {usual}",
            soft_wrap=True,
        )


def _show_model(model: Mapping[str, Any]) -> None:
    console.print("\n[bold]Who will order again within 90 days[/]")
    if model["status"] in ("refused", "missing"):
        reasons = "; ".join(model["reasons"]) or "no model was trained"
        console.print(f"  No prediction: {reasons}")
        return
    table = Table()
    for name in ("model", "AUC", "Brier score", "log loss"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in model["measures"]:
        chosen = row["model"] == model["champion"]
        table.add_row(
            f"[bold]{row['model']} (used)[/]" if chosen else row["model"],
            *(f"{row[name]:.4f}" for name in ("auc", "brier", "log_loss")),
        )
    console.print(table)
    if model["status"] == "no_evidence":
        console.print(f"  [yellow]No evidence of a gain:[/] {'; '.join(model['reasons'])}")


def _is_known(title: str, part: Mapping[str, Any], nothing: str) -> bool:
    """Print the title of a part, and why there is nothing in it; say whether there is anything."""
    console.print(f"\n[bold]{title}[/]", end="  ")
    if not part["customers"]:
        console.print(f"{nothing}: {'; '.join(part['reasons'])}", soft_wrap=True)
    return bool(part["customers"])


def _show_value(value: Mapping[str, Any]) -> None:
    if not _is_known("What the next twelve months bring", value, "no expectation"):
        return
    gini = "" if value["gini"] is None else f", Gini {value['gini']:.2f}"
    console.print(
        f"{value['orders']:,.0f} orders of {value['customers']:,} customers, worth "
        f"{value['value']:,.0f}; the best fifth bring {value['share_of_best_fifth']:.0%} "
        f"({value['champion']}{gini})",
        soft_wrap=True,
    )


def _show_second_purchase(second: Mapping[str, Any]) -> None:
    if not _is_known("Who comes back for a second purchase", second, "no expectation"):
        return
    told = ", ".join(f"{one['share']:.0%} after {one['days']}" for one in second["shares"])
    point = second["value_per_point"]
    worth = "" if point is None else f"; one percentage point more is worth {point:,.2f} each"
    console.print(
        f"of new customers {told} days. {second['customers']:,} have bought once, "
        f"{second['expected']:,.0f} of them come back within 90 days by themselves{worth}",
        soft_wrap=True,
    )


def _show_offers(offers: Mapping[str, Any]) -> None:
    if not _is_known("What to offer next", offers, "no offers"):
        return
    naive = offers["recall_of_baseline"]
    beside = "" if offers["recall"] == naive else f", against {naive:.3f} of what is popular"
    console.print(
        f"{offers['offers']:,} offers for {offers['customers']:,} customers, "
        f"{offers['share_again']:.0%} of the best are bought again; a best offer is worth "
        f"{offers['mean_priority']:,.2f} ({offers['champion']}, recall of new products "
        f"{offers['recall']:.3f}{beside})",
        soft_wrap=True,
    )


def _show_uplift(uplift: Mapping[str, Any]) -> None:
    if not _is_known("Whom a contact moves", uplift, "not known"):
        return
    types = ", ".join(
        f"{count:,} {name.replace('_', ' ')}" for name, count in uplift["customers"].items()
    )
    console.print(
        f"{types}; {uplift['worth_contacting']:,} are worth what a contact costs. On average it "
        f"adds {uplift['average']:+.1%} orders ({uplift['champion']})",
        soft_wrap=True,
    )


def _show_timing(timing: Mapping[str, Any]) -> None:
    if not _is_known("When and through what they answer", timing, "not known"):
        return
    told = [
        f"{count:,} of {timing['customers']:,} have {own} of their own"
        if (count := timing[f"own_{name}"])
        else f"no evidence that {own} is personal"
        for name, own in (("hour", "an hour"), ("channel", "a channel"))
    ]
    console.print(
        f"usually at {timing['hour']:02d}:00 and by {timing['channel']}; {', '.join(told)}",
        soft_wrap=True,
    )


def _show_groups(groups: Mapping[str, Any]) -> None:
    if not _is_known("Customers who are alike", groups, "no groups"):
        return
    told = ", ".join(f"{name} with {count:,}" for name, count in groups["customers"].items())
    console.print(
        f"{told}; proposals that are no audience before somebody approves them: regulars segments",
        soft_wrap=True,
    )


def _show_leads(leads: Mapping[str, Any]) -> None:
    if not _is_known("Which leads will buy", leads, "not known"):
        return
    kinds = "; ".join(
        f"{row['leads']:,} {row['lead_kind']}s, {row['expected_sales']:,.0f} sales expected, "
        f"{row['sales_ready']:,} worth a call"
        for row in leads["kinds"]
    )
    missing = "".join(f"; too few sales of {kind}s to tell" for kind in leads["kinds_left_out"])
    console.print(f"{kinds} ({leads['champion'].replace('_', ' ')}){missing}", soft_wrap=True)


def _show_visits(visits: Mapping[str, Any]) -> None:
    is_known = visits["champion"] is not None
    part = {"customers": is_known, "reasons": visits["reasons"]}
    if not _is_known("What visitors do next", part, "not known"):
        return
    console.print(
        f"{visits['open']:,} anonymous visits are open; of past ones the next action was among "
        f"three told in {visits['hits']:.0%} ({visits['champion']}; what usually follows: "
        f"{visits['hits_of_baseline']:.0%})",
        soft_wrap=True,
    )
