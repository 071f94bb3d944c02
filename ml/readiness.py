"""Whether there is enough data for a prediction, and what to use: rule, simple kind, or ML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml.evaluation import Gate
from ml.offers.lists import EASE
from ml.prediction import Prediction, Refused, Trained
from ml.recipes import BOOSTING

RULE, SIMPLE, LEARNED = "rule", "simple", "ml"
# Kinds whose parameters are too many to be read; every other learnt kind is told in a few numbers.
OPAQUE = (BOOSTING, EASE, "x_ridge")
NOTHING_BETTER = "There is enough data, but nothing proved better than the rule. "


@dataclass(frozen=True)
class Readiness:
    """What to use for a prediction and why, with every gate that was asked.

    `level` is rule, simple or ml; `kind` what scores, None where the training was refused and
    nothing does. Counts are None where a gate that tells them was not reached.
    """

    model_name: str
    as_of: pd.Timestamp
    level: str
    kind: str | None
    naive_rule: str
    why: str
    count_rows: int | None
    history_days: int | None
    count_positives: int | None
    gates: tuple[Gate, ...]

    @property
    def failed(self) -> tuple[Gate, ...]:
        """Return the gates that are not passed."""
        return tuple(gate for gate in self.gates if not gate.is_passed)


def assess(prediction: Prediction, outcome: Trained | Refused) -> Readiness:
    """Say what came of a training in terms of what may be used.

    A refusal is the rule, with what is missing; a model that proved nothing is the rule, too. A
    prediction names its rule in NAIVE_RULE, in the words of who would do it by hand; else the kind
    it is judged by is told.
    """
    if isinstance(outcome, Refused):
        facts: Mapping[str, Any] = {}
        gates, as_of, level, kind = outcome.gates, outcome.as_of, RULE, None
        why = " ".join(outcome.reasons)
    else:
        facts, as_of, kind = outcome.report, outcome.champion.as_of, outcome.champion.kind
        gates = tuple(Gate(**gate) for gate in facts.get("gates", ()))
        level, why = _level(kind, facts), str(facts.get("reason", ""))
        why = (NOTHING_BETTER if level == RULE else "") + why
    return Readiness(
        model_name=prediction.NAME,
        as_of=as_of,
        level=level,
        kind=kind,
        naive_rule=_naive_rule(prediction, facts),
        why=why,
        count_rows=_rows(facts, kind) or _counted(gates),
        history_days=_find(gates, ("history_days",)),
        count_positives=_positives(facts, kind, gates),
        gates=gates,
    )


def _level(kind: str, report: Mapping[str, Any]) -> str:
    if kind == report.get("baseline"):
        return RULE
    return LEARNED if kind in OPAQUE else SIMPLE


def _naive_rule(prediction: Prediction, report: Mapping[str, Any]) -> str:
    named = getattr(prediction, "NAIVE_RULE", None)
    return str(named or report.get("baseline") or "what you do today").replace("_", " ")


def _rows(report: Mapping[str, Any], kind: str | None) -> int | None:
    """Return the rows it was judged on."""
    measured = report.get("metrics", {}).get(kind, {}).get("count")
    window = report.get("window", {})
    found = measured or window.get("count") or window.get("customers")
    return None if found is None else int(found)


def _positives(report: Mapping[str, Any], kind: str | None, gates: Sequence[Gate]) -> int | None:
    measured = report.get("metrics", {}).get(kind, {}).get("count_positives")
    if measured is not None:
        return int(measured)
    return _find(gates, ("test_positives", "training_positives", "count_new_buyers"))


def _counted(gates: Sequence[Gate]) -> int | None:
    """Return what the first gate counts that counts customers, contacts or the like."""
    return next((gate.value for gate in gates if gate.name.startswith("count_")), None)


def _find(gates: Sequence[Gate], names: Sequence[str]) -> int | None:
    """Return the value of the first gate that bears one of the names."""
    values = {gate.name: gate.value for gate in reversed(gates)}
    return next((values[name] for name in names if name in values), None)
