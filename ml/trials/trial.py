"""A randomised experiment as rows to learn from: who was contacted, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.evaluation import Gate, Numbers, Outcomes
from ml.features import KEYS, NAMES, Matrix, matrix, validate
from ml.names import places_of
from ml.prediction import Input
from ml.times import naive_utc

CONTACTS = Input(
    "intermediate.int_experiment_contacts_dated",
    (
        *("experiment", "customer_id", "variant", "is_control"),
        *("assigned_at", "as_of", "contact_cost"),
    ),
)
TAKEN = Input("intermediate.int_experiment_features_taken", (*KEYS, *NAMES))
LEAST_CONTACTS, LEAST_PER_ARM, LEAST_OUTCOMES = 1_000, 200, 30
PER_PERSON = (
    *("assigned_at", "customers", "matrix", "is_contacted"),
    *("ordered", "margin", "usual_margin"),
)
# Purchases that the shop's mean margin stands for beside a customer's own.
PRIOR_PURCHASES = 3.0


@dataclass(frozen=True)
class Trial:
    """One contact against no contact; one row per person, whose days after the draw are over.

    `matrix` has the columns of NAMES as of the draw, `ordered` and `margin` are of the days after
    it, `usual_margin` is what a purchase of the person was used to leave over before it, and
    `shop_margin` what one of anybody does.
    """

    experiment: str
    variant: str
    days: int
    assigned_at: npt.NDArray[np.datetime64]
    customers: npt.NDArray[np.object_]
    matrix: Matrix
    is_contacted: Outcomes
    ordered: Outcomes
    margin: Numbers
    usual_margin: Numbers
    shop_margin: float
    contact_cost: float | None

    def __len__(self) -> int:
        return len(self.ordered)

    def sampled(self, at_most: int, *, seed: int) -> Trial:
        """Return the trial, or `at_most` of its persons drawn by the seed."""
        if len(self) <= at_most:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self), at_most, replace=False))
        return replace(self, **{name: getattr(self, name)[rows] for name in PER_PERSON})

    @property
    def share(self) -> float:
        """Return the share of persons who were contacted."""
        return float(self.is_contacted.mean()) if len(self) else 0.0

    @property
    def cost(self) -> float:
        """Return the cost of a contact, 0 where nobody said."""
        return self.contact_cost or 0.0


def read_trials(
    contacts: pd.DataFrame,
    features: pd.DataFrame,
    purchases: pd.DataFrame,
    *,
    days: int,
    known_until: pd.Timestamp,
) -> Iterator[Trial]:
    """Yield the experiments whose days are over for somebody, the one drawn last first.

    Takes draws (CONTACTS), features as of them (TAKEN) and known purchases. Of several contacts
    the one that most got is set against the control group.
    """
    frame = validate(features)
    rows = contacts.assign(
        customer_id=contacts["customer_id"].astype("str"),
        assigned_at=naive_utc(contacts["assigned_at"]),
        as_of=naive_utc(contacts["as_of"]),
        is_control=contacts["is_control"].astype(bool),
    )
    rows = rows[rows["assigned_at"] + pd.Timedelta(days=days) <= known_until]
    rows = rows.merge(frame, on=["customer_id", "as_of"])
    newest = rows.groupby("experiment")["assigned_at"].max().sort_values(ascending=False)
    for name in newest.index:
        drawn = rows[rows["experiment"] == name]
        contacted = drawn.loc[~drawn["is_control"], "variant"]
        variant = contacted.value_counts().idxmax() if len(contacted) else ""
        arms = drawn[drawn["is_control"] | (drawn["variant"] == variant)]
        arms = arms.sort_values("customer_id", ignore_index=True)
        yield _trial(str(name), str(variant), arms, purchases, days)


def usual_margins(
    customers: pd.Series,
    purchases: pd.DataFrame,
    moments: pd.Series | pd.Timestamp,
    *,
    shop: float,
) -> Numbers:
    """Return the mean margin of each customer's purchases before a moment, drawn to `shop`."""
    of_whom = places_of(purchases["customer_id"], pd.Index(customers))
    ends = np.broadcast_to(np.asarray(moments, dtype="datetime64[us]"), len(customers))
    rows = np.flatnonzero(of_whom >= 0)
    rows = rows[purchases["occurred_at"].to_numpy()[rows] < ends[of_whom[rows]]]
    amounts = purchases["margin_amount"].to_numpy(np.float64)[rows]
    total = np.bincount(of_whom[rows], amounts, minlength=len(customers))
    count = np.bincount(of_whom[rows], minlength=len(customers))
    margins: Numbers = (total + PRIOR_PURCHASES * shop) / (count + PRIOR_PURCHASES)
    return margins


def mean_margin(purchases: pd.DataFrame) -> float:
    """Return the mean margin of purchases, 0 without any."""
    return float(purchases["margin_amount"].mean()) if len(purchases) else 0.0


def trial_gates(trial: Trial | None, *, days: int) -> tuple[Gate, ...]:
    """Return what an experiment must have to be learnt from."""
    if trial is None:
        reason = (
            f"0 experiments with anybody whose {days} days after the draw are over; at least 1 is "
            "needed. Land it in experiments/assignments or experiments/subscriber_assignments."
        )
        return (Gate("count_experiments", 0, 1, reason),)
    told = f"of experiment {trial.experiment}"
    arms = {"contacted": trial.is_contacted, "control": ~trial.is_contacted}
    gates = [_gate("count_contacts", len(trial), LEAST_CONTACTS, f"persons {told}")]
    for name, rows in arms.items():
        orders, count = int(trial.ordered[rows].sum()), int(rows.sum())
        gates.append(_gate(f"{name}_persons", count, LEAST_PER_ARM, f"{name} persons {told}"))
        for what, number in (("ordered", orders), ("did not order", count - orders)):
            gates.append(
                _gate(
                    f"{name}_{what}".replace(" ", "_"),
                    number,
                    LEAST_OUTCOMES,
                    f"{name} persons {told} who {what} within {days} days",
                )
            )
    varying = int(sum(_varies(column) for column in trial.matrix.T))
    gates.append(_gate("varying_features", varying, 1, f"features differ between persons {told}"))
    return tuple(gates)


def _trial(
    name: str, variant: str, arms: pd.DataFrame, purchases: pd.DataFrame, days: int
) -> Trial:
    shop = mean_margin(purchases)
    is_contacted = ~arms["is_control"].to_numpy(bool)
    margin, count = _followed(arms, purchases, days)
    costs = pd.to_numeric(arms.loc[is_contacted, "contact_cost"]).astype("float64")
    return Trial(
        experiment=name,
        variant=variant,
        days=days,
        assigned_at=arms["assigned_at"].to_numpy(),
        customers=arms["customer_id"].to_numpy(dtype=object),
        matrix=matrix(arms),
        is_contacted=is_contacted,
        ordered=count > 0,
        margin=margin,
        usual_margin=usual_margins(arms["customer_id"], purchases, arms["as_of"], shop=shop),
        shop_margin=shop,
        contact_cost=float(costs.mean()) if costs.notna().any() else None,
    )


def _followed(arms: pd.DataFrame, purchases: pd.DataFrame, days: int) -> tuple[Numbers, Any]:
    """Return margin and number of the purchases in the days after each person's own draw."""
    mine = purchases.merge(arms[["customer_id", "assigned_at"]], on="customer_id")
    since = mine["occurred_at"] - mine["assigned_at"]
    inside = mine[(since >= pd.Timedelta(0)) & (since < pd.Timedelta(days=days))]
    sums = inside.groupby("customer_id")["margin_amount"].agg(["sum", "count"])
    sums = sums.reindex(arms["customer_id"], fill_value=0)
    return sums["sum"].to_numpy(np.float64), sums["count"].to_numpy(np.int64)


def _varies(values: Numbers) -> bool:
    known = values[~np.isnan(values)]
    return len(known) > 0 and (len(known) < len(values) or bool((known != known[0]).any()))


def _gate(name: str, value: int, minimum: int, what: str) -> Gate:
    return Gate(name, value, minimum, f"{value:,} {what}; at least {minimum:,} are needed.")


def first_ready(trials: Sequence[Trial], *, days: int) -> tuple[Trial | None, tuple[Gate, ...]]:
    """Return the newest experiment that passes its gates, or the newest one's gates."""
    for trial in trials:
        gates = trial_gates(trial, days=days)
        if all(gate.is_passed for gate in gates):
            return trial, gates
    return None, trial_gates(trials[0] if trials else None, days=days)
