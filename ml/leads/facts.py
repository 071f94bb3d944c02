"""What was known of leads at their snapshots: facts told, and acts that fade with a half-life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import FeatureError
from ml.evaluation import Numbers, Outcomes
from ml.leads.rows import LeadRows
from ml.names import coded
from ml.prediction import Frames, Input
from ml.sorting import order_of
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


def read_leads(
    frames: Frames, *, until: pd.Timestamp | None = None, with_points: bool = True
) -> Leads:
    """Return every moment of `moments` with the acts and facts known by it.

    `with_points` tells what the hand-set card gives for each of them, which no score needs.
    Acts and facts count from the day they were known, and never from before they happened. Raises
    FeatureError for nulls in a column that has none, counts below 0, and snapshots after `until`.
    """
    frame = _typed(frames["moments"], until)
    days = _days(frame["known_until_on"])
    rows = LeadRows.of(frame["customer_id"])
    activities, facts = frames["activities"], frames["facts"]
    return Leads(
        frame,
        _acts(activities, rows, days, _days(frame["snapshot_on"])),
        _traits(facts, rows, days),
        _hand_points(activities, facts) if with_points else {},
    )


def _hand_points(activities: pd.DataFrame, facts: pd.DataFrame) -> dict[Trait, float]:
    """Return the hand-set points of each trait and type of act that has some."""
    names = ["attribute", "trait", "points"]
    told = (activities.assign(attribute=ACTS, trait=activities["activity_type"]), facts)
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
    activities: pd.DataFrame, rows: LeadRows, known_until: Integers, snapshot: Integers
) -> dict[str, Acts]:
    """Return the acts of each type that every row knows."""
    is_dated = activities[["activity_type", "occurred_on", "known_on"]].notna().all(axis=1)
    dated = activities if is_dated.all() else activities[is_dated]
    types, names = coded(dated["activity_type"])
    place = rows.place(dated["customer_id"])
    occurred, known = _days(dated["occurred_on"]), _days(dated["known_on"])
    since = np.maximum(occurred, known)
    count = dated["count_activities"].fillna(0).to_numpy(np.float64)
    if (count < 0).any():
        raise FeatureError(
            f"count_activities is below 0 in {int((count < 0).sum())} rows of "
            f"{ACTIVITIES.relation}. Count what happened; leave out what was taken back."
        )
    found = {}
    for number, name in enumerate(names):
        mine = np.flatnonzero((types == number) & (place >= 0))
        entry, row = rows.pairs(place[mine])
        entry = mine[entry]
        is_known = since[entry] <= known_until[row]
        entry, row = entry[is_known], row[is_known]
        age = np.maximum(snapshot[row] - occurred[entry], 0).astype(np.float64)
        order = order_of(row, age, count[entry])
        found[str(name)] = Acts(row[order], age[order], count[entry[order]])
    return found


def _traits(facts: pd.DataFrame, rows: LeadRows, known_until: Integers) -> dict[Trait, Outcomes]:
    """Return which rows have each trait: of an attribute, what was told last by then."""
    (attribute, attributes), (trait, traits) = coded(facts["attribute"]), coded(facts["trait"])
    is_dated = facts["known_on"].notna().to_numpy()
    place = rows.place(facts["customer_id"])
    known = np.zeros(len(facts), dtype=np.int64)
    known[is_dated] = _days(facts["known_on"][is_dated])
    whose = np.flatnonzero(is_dated & (place >= 0) & (attribute >= 0))
    entry, row = rows.pairs(place[whose])
    entry = whose[entry]
    is_known = known[entry] <= known_until[row]
    entry, row = entry[is_known], row[is_known]
    told = row * len(attributes) + attribute[entry]
    newest = np.full(rows.count * len(attributes), np.iinfo(np.int64).min)
    np.maximum.at(newest, told, known[entry])
    is_newest = (known[entry] == newest[told]) & (trait[entry] >= 0)
    entry, row = entry[is_newest], row[is_newest]
    pair = attribute[entry] * len(traits) + trait[entry]
    found = {}
    for one in np.unique(pair):
        flags = np.zeros(rows.count, dtype=bool)
        flags[row[pair == one]] = True
        of, name = divmod(int(one), len(traits))
        found[(str(attributes[of]), str(traits[name]))] = flags
    return {fact: flags for fact, flags in found.items() if fact[1] != UNKNOWN}


def _moved(acts: Acts, place: Integers) -> Acts:
    row = place[acts.row]
    kept = row >= 0
    return Acts(row[kept], acts.age[kept], acts.count[kept])


def _days(dates: pd.Series) -> Integers:
    """Return dates as numbers of days."""
    days: Integers = naive_utc(dates).to_numpy("datetime64[D]").astype(np.int64)
    return days
