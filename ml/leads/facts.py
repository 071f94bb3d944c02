"""What was known of leads at their snapshots: facts told, and acts that fade with a half-life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import FeatureError
from ml.evaluation import Numbers, Outcomes
from ml.prediction import Frames, Input
from ml.times import naive_utc

Integers = npt.NDArray[np.int64]
Trait = tuple[str, str]

MOMENTS = Input(
    "intermediate.int_lead_moments_taken",
    (
        *("customer_id", "lead_kind", "as_of", "snapshot_on", "known_until_on", "ends_on"),
        *("score", "is_sale", "is_late_sale", "margin_amount", "is_current", "closes_on"),
        "score_version",
        *(
            "half_life_days",
            "horizon_days",
            "sale_value",
            "contact_cost",
            "early_cost",
            "monthly_capacity",
        ),
    ),
)
ACTIVITIES = Input(
    "intermediate.int_lead_activities_dated",
    ("customer_id", "activity_type", "occurred_on", "known_on", "count_activities", "points"),
)
FACTS = Input(
    "intermediate.int_lead_facts_dated",
    ("customer_id", "attribute", "trait", "points", "known_on"),
)
TIMES = ("as_of", "snapshot_on", "known_until_on", "ends_on", "closes_on")
REQUIRED = (
    *TIMES[:3],
    *("customer_id", "lead_kind", "score", "score_version", "is_current", "half_life_days"),
)
# An untold value of a fact and one that no weight knows are both no trait.
UNKNOWN = ""
# The attribute under which acts have points.
ACTS = "acts"


@dataclass(frozen=True)
class Acts:
    """Acts of one type: the row of the lead they count for, their age in days, how many."""

    row: Integers
    age: Numbers
    count: Numbers

    def faded(self, half_life: Numbers, rows: int) -> Numbers:
        """Return log(1 + acts), each act worth half after the half-life of its row."""
        worth = self.count * 0.5 ** (self.age / half_life[self.row])
        return np.log1p(np.bincount(self.row, weights=worth, minlength=rows))


@dataclass(frozen=True)
class Leads:
    """Leads at their snapshots: n rows, with what had arrived by each."""

    frame: pd.DataFrame
    acts: Mapping[str, Acts] = field(repr=False)
    traits: Mapping[Trait, Outcomes] = field(repr=False)
    hand_points: Mapping[Trait, float] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def score(self) -> Numbers:
        """Return the hand-set score of each row, 0 to 100."""
        return self.frame["score"].to_numpy(np.float64)

    @property
    def is_sale(self) -> Outcomes:
        """Return whether each row bought within its horizon."""
        return self.frame["is_sale"].to_numpy(dtype=bool, na_value=False)

    @property
    def half_life(self) -> Numbers:
        """Return the hand-set half-life of each row, days."""
        return self.frame["half_life_days"].to_numpy(np.float64)

    def bearers(self, fact: Trait) -> int:
        """Return how many persons a fact was known of: an attribute's trait, or (ACTS, type)."""
        nobody = np.zeros(0, dtype=np.int64)
        if fact[0] == ACTS:
            rows = self.acts[fact[1]].row if fact[1] in self.acts else nobody
        else:
            rows = np.flatnonzero(self.traits[fact]) if fact in self.traits else nobody
        return int(self.frame["customer_id"].iloc[np.unique(rows)].nunique())

    def drawn(self, share: float, *, seed: int) -> Leads:
        """Return all snapshots of a share of the persons, drawn by chance."""
        if share >= 1:
            return self
        persons = np.sort(self.frame["customer_id"].unique())
        count = max(1, int(share * len(persons)))
        kept = np.random.default_rng(seed).choice(persons, count, replace=False)
        return self.where(self.frame["customer_id"].isin(set(kept)).to_numpy(dtype=bool))

    def where(self, mask: Outcomes) -> Leads:
        """Return some of the rows."""
        place = np.full(len(self), -1)
        place[mask] = np.arange(int(mask.sum()))
        acts = {name: _moved(one, place) for name, one in self.acts.items()}
        traits = {name: flags[mask] for name, flags in self.traits.items()}
        return Leads(self.frame[mask].reset_index(drop=True), acts, traits, self.hand_points)


def read_leads(frames: Frames, *, until: pd.Timestamp | None = None) -> Leads:
    """Return every moment of `moments` with the acts and facts known by it.

    Acts and facts count from the day they were known, and never from before they happened. Raises
    FeatureError for nulls in a column that has none, and for snapshots after `until`.
    """
    frame = _typed(frames["moments"], until)
    days = _days(frame["known_until_on"])
    codes = pd.Series(np.arange(len(frame)), index=frame["customer_id"], name="row")
    activities, facts = frames["activities"], frames["facts"]
    return Leads(
        frame,
        _acts(activities, codes, days, _days(frame["snapshot_on"])),
        _traits(facts, codes, days),
        _hand_points(activities.assign(attribute=ACTS, trait=activities["activity_type"]), facts),
    )


def _hand_points(*told: pd.DataFrame) -> dict[Trait, float]:
    """Return the hand-set points of each trait and type of act that has some."""
    names = ["attribute", "trait", "points"]
    rows = pd.concat([frame[names].dropna().astype({"points": "float64"}) for frame in told])
    rows = rows.drop_duplicates(["attribute", "trait"])
    return {(str(a), str(t)): float(p) for a, t, p in rows.itertuples(index=False)}


def _typed(moments: pd.DataFrame, until: pd.Timestamp | None) -> pd.DataFrame:
    for name in REQUIRED:
        count = int(moments[name].isna().sum())
        if count:
            raise FeatureError(
                f"{name} is null in {count} of {len(moments)} snapshots of leads. Mend "
                f"{MOMENTS.relation}."
            )
    frame = moments.reset_index(drop=True).assign(
        customer_id=moments["customer_id"].astype("str").to_numpy(),
        **{name: naive_utc(moments[name]).to_numpy() for name in TIMES},
    )
    if until is not None and (frame["as_of"] > until).any():
        raise FeatureError(f"Snapshots of leads lie after {until}. Pass the clock of the frames.")
    # In one order, so that equal data gives equal sums to the last bit.
    return frame.sort_values(["lead_kind", "snapshot_on", "customer_id"], ignore_index=True)


def _acts(
    activities: pd.DataFrame, codes: pd.Series, known_until: Integers, snapshot: Integers
) -> dict[str, Acts]:
    """Return the acts of each type that every row knows."""
    dated = activities.dropna(subset=["activity_type", "occurred_on", "known_on"])
    dated = pd.DataFrame(
        {
            "customer_id": dated["customer_id"].astype("str"),
            "activity_type": dated["activity_type"].astype("str"),
            "occurred": _days(dated["occurred_on"]),
            "known": _days(dated["known_on"]),
            "count": dated["count_activities"].fillna(0).to_numpy(np.float64),
        }
    )
    rows = codes.rename_axis("customer_id").reset_index()
    found = {}
    for name, mine in dated.groupby("activity_type"):
        pairs = mine.merge(rows, on="customer_id")
        row = pairs["row"].to_numpy(np.int64)
        occurred, known = (pairs[column].to_numpy(np.int64) for column in ("occurred", "known"))
        is_known = np.maximum(occurred, known) <= known_until[row]
        row, occurred = row[is_known], occurred[is_known]
        age = np.maximum(snapshot[row] - occurred, 0).astype(np.float64)
        count = pairs["count"].to_numpy(np.float64)[is_known]
        order = np.lexsort((count, age, row))
        found[str(name)] = Acts(row[order], age[order], count[order])
    return found


def _traits(facts: pd.DataFrame, codes: pd.Series, known_until: Integers) -> dict[Trait, Outcomes]:
    """Return which rows have each trait: of an attribute, what was told last by then."""
    told = pd.DataFrame(
        {
            "customer_id": facts["customer_id"].astype("str"),
            "attribute": facts["attribute"].astype("str"),
            "trait": facts["trait"].astype("object").where(facts["trait"].notna(), UNKNOWN),
            "known": naive_utc(facts["known_on"]),
        }
    ).dropna(subset=["known"])
    told = told.assign(known=_days(told["known"]))
    pairs = told.merge(codes.rename_axis("customer_id").reset_index(), on="customer_id")
    pairs = pairs[pairs["known"].to_numpy() <= known_until[pairs["row"].to_numpy()]]
    newest = pairs.groupby(["row", "attribute"])["known"].transform("max")
    pairs = pairs[(pairs["known"] == newest) & (pairs["trait"] != UNKNOWN)]
    found = {}
    for (attribute, trait), mine in pairs.groupby(["attribute", "trait"]):
        flags = np.zeros(len(codes), dtype=bool)
        flags[mine["row"].to_numpy()] = True
        found[(str(attribute), str(trait))] = flags
    return found


def _moved(acts: Acts, place: Integers) -> Acts:
    row = place[acts.row]
    kept = row >= 0
    return Acts(row[kept], acts.age[kept], acts.count[kept])


def _days(dates: pd.Series) -> Integers:
    """Return dates as numbers of days."""
    days: Integers = naive_utc(dates).to_numpy("datetime64[D]").astype(np.int64)
    return days
