"""Print one person: who, what stage, what is expected and why, and why two are one."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.terminal import console, show_rows


def show_explanation(found: Any) -> None:
    """Print one person: who, what stage and why, what is allowed, what each sync does."""
    console.print(f"[bold]Customer {found.customer_id}[/]")
    if found.stage:
        stage, phase = (str(found.stage[name]).replace("_", " ") for name in ("stage", "phase"))
        console.print(f"{stage}, phase {phase}: {found.stage['reason']}", soft_wrap=True)
    for score in found.scores:
        console.print(
            f"{score['model_name']}: {score['probability']:.1%} within {score['horizon_days']} days"
        )
        _show_reasons(found.reasons, score["model_name"])
    for value in found.values:
        console.print(
            f"{value['model_name']}: {value['expected_orders']:.2f} orders within "
            f"{value['horizon_days']} days, worth {value['expected_value']:,} "
            f"({value['expected_value_lower']:,} to {value['expected_value_upper']:,})",
            soft_wrap=True,
        )
        _show_reasons(found.reasons, value["model_name"])
    _show_second_purchases(found)
    _show_offers(found)
    _show_effects(found)
    _show_times(found)
    _show_groups(found)
    _show_leads(found)
    _show_pauses(found)
    known = {
        (row["identifier_type"], row["identifier_value"], row["source"])
        for row in found.identifiers
    }
    names = ("identifier", "value", "source")
    show_rows("Known by", [dict(zip(names, row, strict=True)) for row in sorted(known)], names)
    console.print("\n[bold]What they allow[/]")
    for row in sorted(found.consents, key=lambda row: (row["channel"], row["purpose"])):
        answer = "[green]yes[/]" if row["is_allowed"] else "[red]no[/] "
        console.print(
            f"  {answer} {row['purpose']} over {row['channel']} ({row['identifier_type']}): "
            f"{row['status']} on {row['occurred_at']:%Y-%m-%d}",
            soft_wrap=True,
        )
    if not found.consents:
        console.print("  nothing is known, so nothing is allowed")
    console.print("\n[bold]Syncs[/]")
    for sync, sentence in found.syncs.items():
        console.print(f"  {sync}: {sentence.replace('_', ' ')}", soft_wrap=True)
    if found.received:
        console.print("\n[bold]Why did I get this?[/]")
    for answer in found.received:
        console.print(f"  {answer}", markup=False, soft_wrap=True)


def show_visit(found: Any) -> None:
    """Print what an anonymous visit will likeliest do next, and why."""
    console.print(f"[bold]Anonymous visit {found.session_id}[/]")
    first = found.actions[0]
    done = first["last_action"].replace("_", " ")
    console.print(f"last seen on {first['last_action_at']:%Y-%m-%d %H:%M} UTC: {done}")
    for action in found.actions:
        then = action["next_action"].replace("_", " ")
        console.print(
            f"{action['model_name']} {action['action_rank']}: {then}, {action['probability']:.1%}"
        )
    _show_reasons(found.reasons, first["model_name"])


def _show_second_purchases(found: Any) -> None:
    """Print whether and when somebody who bought once is expected back, and what that is worth."""
    for odds in found.second_purchases:
        point, nudge = odds["value_per_point"], odds["nudge_value"]
        worth = "" if point is None else f"; one percentage point more is worth {point:,.2f}"
        effect = "" if nudge is None else f", a nudge {nudge:,.2f}"
        console.print(
            f"{odds['model_name']}: {odds['probability']:.1%} within {odds['horizon_days']} days, "
            f"if so most likely by {odds['expected_on']:%Y-%m-%d}{worth}{effect}",
            soft_wrap=True,
        )
        _show_reasons(found.reasons, odds["model_name"])


def _show_offers(found: Any) -> None:
    """Print what to offer next, with every factor of its priority and why."""
    for offer in found.offers:
        margin = "margin" if offer["is_cost_known"] else "price (its cost is not known)"
        again = offer["last_bought_at"]
        bought = f" on {again:%Y-%m-%d}" if again and offer["offer_list"] == "again" else ""
        console.print(
            f"{offer['model_name']} {offer['offer_rank']}: {offer['product_name'] or offer['sku']},"
            f" worth {offer['priority_amount']:,.2f} = {offer['purchase_probability']:.1%} buys "
            f"within {offer['horizon_days']} days x {offer['product_fit']:.1%} fit x "
            f"{offer['margin_amount']:,} {margin} x {offer['kept_share']:.0%} kept; "
            f"{offer['reason']}{bought}",
            markup=False,
            soft_wrap=True,
        )
    for name in {offer["model_name"] for offer in found.offers}:
        _show_reasons(found.reasons, name)


def _show_effects(found: Any) -> None:
    """Print what a contact would change, how far that is proven, and whether it pays."""
    for effect in found.effects:
        pays = "pays" if effect["is_worth_contacting"] else "does not pay"
        names = ("uplift", "uplift_lower", "uplift_upper")
        points, lower, upper = (f"{100 * effect[name]:+.1f}" for name in names)
        console.print(
            f"{effect['model_name']}: {effect['order_probability']:.1%} within "
            f"{effect['horizon_days']} days without a contact, {points} points with one ({lower} "
            f"to {upper} among people who rank alike): "
            f"{effect['response_type'].replace('_', ' ')}; it {pays}: "
            f"{effect['expected_gain']:+,.2f} = {points} points x "
            f"{effect['usual_margin']:,} margin - {effect['contact_cost']:,} cost",
            markup=False,
            soft_wrap=True,
        )
        _show_reasons(found.reasons, effect["model_name"])


def _show_times(found: Any) -> None:
    """Print when and through what an answer is likeliest, and whose habit that is."""
    for one in found.times:
        told = []
        for name, place in (("hour", "at"), ("weekday", "on"), ("channel", "by")):
            best, usual = (
                f"{value:02d}:00" if name == "hour" else value
                for value in (one[f"best_{name}"], one[f"shop_{name}"])
            )
            beside = f" (at the shop's {usual}: {one[f'shop_{name}_probability']:.1%})"
            told.append(
                f"{place} {best}: {one[f'{name}_probability']:.1%}, "
                f"{one[f'{name}_source']}{beside if best != usual else ''}, from "
                f"{one[f'count_{name}_answers']:,} answers"
            )
        console.print(f"{one['model_name']}: {'; '.join(told)}", markup=False, soft_wrap=True)
        _show_reasons(found.reasons, one["model_name"])


def _show_groups(found: Any) -> None:
    """Print which group of customers who are alike somebody is in; it is no audience."""
    for one in found.groups:
        told = (
            "all customers are one group"
            if one["group_name"] == "all"
            else f"in group {one['group_name']}, a proposal that is no audience"
        )
        console.print(f"{one['model_name']}: {told}", markup=False, soft_wrap=True)
        _show_reasons(found.reasons, one["model_name"])


def _show_leads(found: Any) -> None:
    """Print how far a person is on the way to a purchase, and whether they fall silent."""
    for lead in found.leads:
        ready = ", ready for sales" if lead["is_sales_ready"] else ""
        console.print(
            f"lead score {lead['score']:.0f} of 100, buying phase {lead['phase']}{ready}: "
            f"{lead['reason']}",
            markup=False,
            soft_wrap=True,
        )
    for odds in found.lead_odds:
        pays = "pays" if odds["is_sales_ready"] else "does not pay"
        console.print(
            f"{odds['model_name']}: {odds['probability']:.1%} within {odds['horizon_days']} days "
            f"({odds['hand_set_probability']:.1%} by the hand-set card, "
            f"{odds['learnt_probability']:.1%} by the learnt one); a call {pays}",
            soft_wrap=True,
        )
        _show_reasons(found.reasons, odds["model_name"])
    for decline in found.declines:
        if decline["is_open"]:
            kind = "activity" if decline["activity_kind"] == "all" else decline["activity_kind"]
            console.print(
                f"{kind} falling, noticed on {decline['flagged_at']:%Y-%m-%d}: "
                f"{decline['evidence']}",
                markup=False,
                soft_wrap=True,
            )


def _show_pauses(found: Any) -> None:
    """Print why a person gets no promotion, or is not called back."""
    for hold in found.holds:
        state = "held" if hold["is_active"] else "was held"
        console.print(f"{state}: {hold['reason']} since {hold['starts_at']:%Y-%m-%d}")
    for cool_down in found.cool_downs:
        if cool_down["is_active"]:
            ends = cool_down["ends_at"]
            until = f"until {ends:%Y-%m-%d}" if ends else "until it is settled"
            console.print(f"not called back: {cool_down['reason']}, {until}")


def _show_reasons(reasons: Mapping[str, Sequence[str]], score: str) -> None:
    for reason in reasons.get(score, ()):
        console.print(f"  {reason}", markup=False, soft_wrap=True)


def show_kinship(found: Any) -> None:
    """Print whether two are one customer, the chain between them, and what became of them."""
    here, there = found.customer_ids
    if found.is_one:
        console.print(f"[bold]One person, customer {here}[/]")
        if not found.chain:
            console.print("  both name the same record")
    else:
        console.print(f"[bold]Two persons, customers {here} and {there}[/]")
        for line in found.unused or ("they have no identifier in common",):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    for link in found.chain:
        seen = ""
        if link.first_seen_at and link.last_seen_at:
            seen = f" ({link.first_seen_at:%Y-%m-%d} to {link.last_seen_at:%Y-%m-%d})"
        line = f"  {link.record} — {link.evidence}{seen} → {link.next_record}"
        console.print(line, markup=False, soft_wrap=True)
    for line in found.merges:
        console.print(f"  {line}", markup=False, soft_wrap=True)
