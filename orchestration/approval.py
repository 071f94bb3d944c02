"""Make a segment of a group that was found, once somebody approves it by name."""

import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from activation.audience_names import revealing_word
from orchestration.predicting import read_training
from orchestration.warehouse import Connection

FOLDER = Path("models/marts/segments")
LIST = Path("models/marts/insight/segment_members.sql")
# The list at the head of segment_members.sql.
LISTED = re.compile(
    r"(?P<before>\{%- set segments = \[\n)(?P<names>.*?)(?P<after>\] -%\})", re.DOTALL
)
NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
APPROVER = re.compile(r"\w[\w .@-]{1,59}")
COUNTS = "select group_name, count(*) from ml.segments group by 1"

SQL = """{{#- Approved by {by} on {on}: {group} of version {version}. -#}}

with

customer_features as (

    select * from {{{{ ref('customer_features') }}}}
    where is_current

),

-- The rule is judged by the facts of today only, so nobody knows since when.
entered as (

    select
        customer_id,
        cast(null as {{{{ dbt.type_timestamp() }}}}) as entered_at,
        cast(null as {{{{ dbt.type_timestamp() }}}}) as left_at
    from customer_features
    where
{condition}

)

select * from entered
"""
YAML = """version: 2

models:
  - name: segment_{name}
    description: >
{description}
      One row per customer.
    config: {{meta: {{has_history: false}}}}
    columns:
      - name: customer_id
        data_type: varchar
        description: "{{{{ doc('customer_id') }}}}"
        constraints: [{{type: not_null}}]
        data_tests: [unique]
      - name: entered_at
        data_type: timestamp
        description: Empty, because what is judged by the values of today has no history
      - name: left_at
        data_type: timestamp
        description: When the stay ended, UTC; empty for who is in it now
"""


class NotApproved(ValueError):
    """A group cannot become a segment, and why."""


@dataclass(frozen=True)
class Proposal:
    """A group that was found: its share of customers, how many, and the rule that describes it."""

    group: str
    version: str
    share: float
    count_customers: int
    words: str
    condition: str
    precision: float
    recall: float


def read_proposals(connection: Connection) -> tuple[list[Proposal], str]:
    """Return the groups of the newest training, and what it says of itself."""
    training = read_training(connection, "segments")
    if not training:
        return [], "segments: nothing was trained yet. Run regulars demo, or the daily job."
    report = json.loads(training["report"])
    counts: dict[str, int] = {}
    if connection.table_exists("ml", "segments"):
        counts = {str(name): int(count) for name, count in connection.execute(COUNTS)}
    found = [
        _proposal(told, str(training["model_version"]), counts)
        for told in report.get("proposals", [])
    ]
    return found, " ".join(json.loads(training["reasons"]))


def approve(project: Path, proposal: Proposal, *, name: str, by: str, on: date) -> tuple[Path, ...]:
    """Write the model of a segment by the group's rule, and list it; return the files.

    What is approved is the rule as it stands: later trainings change nothing about it. Raises
    NotApproved, before anything is written, for a name that is taken, malformed or reveals what an
    audience's name must not, without an approver, and for a group without a rule.
    """
    _refuse(proposal, name, by)
    sql, described = (project / FOLDER / f"segment_{name}.{end}" for end in ("sql", "yml"))
    if sql.exists() or described.exists():
        raise NotApproved(f"There is a segment {name} already. Choose another name.")
    members = project / LIST
    listed = _listing(members, name)
    condition = textwrap.indent(_lines(proposal.condition), " " * 8)
    facts = {"by": by, "on": on.isoformat(), "group": proposal.group, "version": proposal.version}
    described.write_text(YAML.format(name=name, description=_description(proposal, by, on)))
    sql.write_text(SQL.format(condition=condition, **facts))
    members.write_text(listed)
    return sql, described, members


def _proposal(told: Mapping[str, Any], version: str, counts: Mapping[str, int]) -> Proposal:
    """Return a proposal as a report tells it."""
    rule = told["rule"] or {"words": "", "condition": "", "precision": 0.0, "recall": 0.0}
    return Proposal(
        group=told["name"],
        version=version,
        share=float(told["share"]),
        count_customers=counts.get(told["name"], 0),
        words=rule["words"],
        condition=rule["condition"],
        precision=float(rule["precision"]),
        recall=float(rule["recall"]),
    )


def _refuse(proposal: Proposal, name: str, by: str) -> None:
    """Raise NotApproved for what no approval can be made of."""
    if not NAME.fullmatch(name):
        raise NotApproved(
            "The name of a segment has 3 to 40 small letters, digits and underscores, and begins "
            "with a letter. Write --name weekend_buyers."
        )
    if word := revealing_word(name):
        raise NotApproved(
            f"The name reveals what an audience's name must not: {word}. Name it by what it is "
            "offered, not by health, money or beliefs."
        )
    if not APPROVER.fullmatch(by):
        raise NotApproved(
            "Nobody is named who approves. Write --by NAME, without quotes or braces."
        )
    if not proposal.condition:
        raise NotApproved(f"No rule describes {proposal.group}: it cannot become a segment.")


def _listing(members: Path, name: str) -> str:
    """Return the model of members with one more segment in its list."""
    text = members.read_text()
    found = LISTED.search(text)
    if found is None:
        raise NotApproved(
            f"{members.name} has no list of segments at its head. Write it as it was."
        )
    names = sorted({*re.findall(r"'(\w+)'", found["names"]), name})
    quoted = ", ".join(f"'{one}'" for one in names) + ","
    lines = textwrap.indent(textwrap.fill(quoted, 80), " " * 4)
    return (
        text[: found.start()]
        + found["before"]
        + lines
        + "\n"
        + found["after"]
        + text[found.end() :]
    )


def _lines(condition: str) -> str:
    """Return a condition with one bound a line."""
    paths = [path.removeprefix("(").removesuffix(")") for path in condition.split(" or ")]
    spread = ["(\n    " + path.replace(" and ", "\n    and ") + "\n)" for path in paths]
    return "\nor ".join(spread)


def _description(proposal: Proposal, by: str, on: date) -> str:
    """Return what a segment is, how well its rule meets the group, and who approved it."""
    text = (
        f"Customers with {proposal.words}. The rule of the group {proposal.group} found in "
        f"{proposal.version}: {proposal.share:.0%} of all; {proposal.precision:.0%} of whom it "
        f"meets are of the group, and it meets {proposal.recall:.0%} of those. "
        f"Approved by {by} on {on.isoformat()}."
    )
    return textwrap.indent(textwrap.fill(text, 92), " " * 6)
