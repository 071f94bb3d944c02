"""Show the groups of customers that were found, and approve one, from the command line."""

from datetime import UTC, datetime

from orchestration.approval import NotApproved, Proposal, approve, read_proposals
from orchestration.project import DBT_PROJECT
from orchestration.settings import Settings
from orchestration.terminal import console
from orchestration.warehouse import Warehouse


def show_proposals(settings: Settings) -> None:
    """Print every proposed group: how many, by what rule, and how well that meets it."""
    found, told = _read(settings)
    console.print(told, markup=False, soft_wrap=True)
    for one in found:
        rule = (
            f"{one.words} ({one.precision:.0%} of whom this meets are of the group, it meets "
            f"{one.recall:.0%} of those)"
            if one.words
            else "no rule describes it"
        )
        console.print(
            f"\n{one.group}: {one.count_customers:,} customers, {one.share:.0%}", markup=False
        )
        console.print(f"  {rule}", markup=False, soft_wrap=True)
        if one.condition:
            console.print(f"  where {one.condition}", markup=False, soft_wrap=True, style="dim")
    if found:
        console.print(
            "\nProposals: none of them is an audience. To make a segment of one:\n"
            "  regulars segments --approve GROUP --name NAME --by WHO",
            markup=False,
        )


def approve_proposal(settings: Settings, group: str, name: str, by: str) -> None:
    """Write the segment of a group and say what follows."""
    found, told = _read(settings)
    chosen = next((one for one in found if one.group == group), None)
    if chosen is None:
        known = ", ".join(one.group for one in found)
        raise NotApproved(f"There is no group {group}. " + (f"Found: {known}." if known else told))
    files = approve(DBT_PROJECT, chosen, name=name, by=by, on=datetime.now(UTC).date())
    console.print(f"{group} is the segment {name}, approved by {by}:", markup=False)
    for file in files:
        console.print(f"  {file.relative_to(DBT_PROJECT.parent)}", markup=False, soft_wrap=True)
    console.print(
        "Review and commit it. The next run builds it; syncs may read "
        f"members_of('segment_{name}') from then on. To take the approval back, delete the two "
        f"segment files and the name in {files[-1].name}.",
        markup=False,
        soft_wrap=True,
    )


def _read(settings: Settings) -> tuple[list[Proposal], str]:
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        return read_proposals(connection)
