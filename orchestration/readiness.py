"""Keep and show how ready each prediction is: what to use, why, and what is missing for more."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ml.errors import VersionNotFound
from ml.markdown import table, words
from ml.models import PREDICTIONS
from ml.readiness import LEARNED, RULE, SIMPLE, Readiness
from orchestration.settings import Settings
from orchestration.terminal import console, show_rows
from orchestration.warehouse import Connection, Warehouse

TABLE = """
create table if not exists ml.readiness (
    model_name varchar, as_of timestamp, level varchar, kind varchar, naive_rule varchar,
    why varchar, count_rows bigint, history_days bigint, count_positives bigint, gates varchar
)
"""
READ = """
select model_name, level, kind, naive_rule, why, count_rows, history_days, count_positives, gates
from ml.readiness order by model_name
"""
NAMES = (
    *("model_name", "level", "kind", "naive_rule", "why"),
    *("count_rows", "history_days", "count_positives", "gates"),
)
LEVELS = {RULE: "the rule", SIMPLE: "a simple model", LEARNED: "machine learning"}
NEVER = "Nothing was trained yet: regulars demo, or the job daily."


def replace_readiness(connection: Connection, found: Readiness) -> None:
    """Keep one row per prediction: how ready it is now."""
    row = asdict(found)
    row["as_of"] = found.as_of.to_pydatetime()
    row["gates"] = json.dumps(
        [{**asdict(gate), "is_passed": gate.is_passed} for gate in found.gates]
    )
    connection.execute("create schema if not exists ml")
    connection.execute(TABLE)
    with connection.transaction():
        connection.execute("delete from ml.readiness where model_name = ?", (found.model_name,))
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"insert into ml.readiness ({', '.join(row)}) values ({marks})", tuple(row.values())
        )


def read_readiness(connection: Connection) -> list[dict[str, Any]]:
    """Return how ready each prediction is, with its gates as a list; empty before a training."""
    if not connection.table_exists("ml", "readiness"):
        return []
    rows = [dict(zip(NAMES, row, strict=True)) for row in connection.execute(READ)]
    return [{**row, "gates": json.loads(row["gates"])} for row in rows]


def as_markdown(found: Readiness) -> str:
    """Return the verdict and every gate, for Dagster."""
    gates = [
        {"gate": words(gate.name), "there": gate.value, "needed": gate.minimum,
         "passed": "yes" if gate.is_passed else "no"}
        for gate in found.gates
    ]  # fmt: skip
    verdict = f"**Use {LEVELS[found.level]}.** {found.why}"
    rule = f"The rule: {found.naive_rule}."
    return "\n\n".join((verdict, rule, table(gates, ("gate", "there", "needed", "passed"))))


def show_readiness(settings: Settings, name: str | None) -> None:
    """Print what to use for one prediction or all; for one also every gate."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        found = read_readiness(connection)
    known = [prediction.NAME for prediction in PREDICTIONS]
    if name and name not in known:
        raise VersionNotFound(f"There is no prediction {name}. Known: {', '.join(known)}.")
    if not found:
        console.print(NEVER)
        return
    meant = [row for row in found if name in (None, row["model_name"])]
    columns = ("prediction", "use", "rows", "history", "positives", "gates")
    show_rows("Readiness", [_line(row) for row in meant], columns)
    for row in meant:
        _tell(row)
    if name:
        for row in meant:
            gates = [_gate(gate) for gate in row["gates"]]
            show_rows(f"Gates of {name}", gates, ("gate", "there", "needed", "passed"))


def _tell(row: dict[str, Any]) -> None:
    """Print what to use and why, in sentences."""
    named = f" ({words(row['kind'])})" if row["kind"] else ""
    console.print(
        f"{row['model_name']}: use {LEVELS[row['level']]}{named}. {row['why']}",
        markup=False, highlight=False,
    )  # fmt: skip
    if row["level"] == RULE:
        console.print(f"  The rule: {row['naive_rule']}.", markup=False, highlight=False)


def _line(row: dict[str, Any]) -> dict[str, object]:
    counts = (row[name] for name in ("count_rows", "history_days", "count_positives"))
    rows, history, positives = ("-" if count is None else f"{count:,}" for count in counts)
    gates: Sequence[dict[str, Any]] = row["gates"]
    passed = sum(bool(gate["is_passed"]) for gate in gates)
    return {
        "prediction": row["model_name"],
        "use": LEVELS[row["level"]],
        "rows": rows,
        "history": f"{history} days" if history != "-" else history,
        "positives": positives,
        "gates": f"{passed} of {len(gates)}" if gates else "-",
    }


def _gate(gate: dict[str, Any]) -> dict[str, object]:
    return {
        "gate": words(gate["name"]),
        "there": f"{gate['value']:,}",
        "needed": f"{gate['minimum']:,}",
        "passed": "yes" if gate["is_passed"] else "no",
    }
