"""When and through what customers answered, as arrays: one entry per answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.util import hash_array

from ml.errors import LabelError
from ml.evaluation import Gate
from ml.names import coded, places_of
from ml.prediction import Input
from ml.times import naive_utc

Codes = npt.NDArray[np.int64]

ANSWERS = Input(
    "insight.customer_answers",
    ("customer_id", "answer_kind", "channel", "answer_date", "local_hour", "answered_at"),
)
MEMORY_DAYS = 730
MOST_PERSONS = 200_000
LEAST_ANSWERS, LEAST_PERSONS, LEAST_DAYS = 1_000, 200, 180
NEVER_NULL = tuple(name for name in ANSWERS.columns if name != "channel")


@dataclass(frozen=True)
class Answers:
    """One entry per answer; `customer`, `kind` and `channel` are positions in the names.

    `hour` is 0 to 23 and `weekday` 0 (Monday) to 6, both local; `channel` is -1 for none.
    """

    customers: npt.NDArray[Any]
    kinds: tuple[str, ...]
    channels: tuple[str, ...]
    customer: Codes
    kind: Codes
    channel: Codes
    hour: Codes
    weekday: Codes
    moment: npt.NDArray[np.datetime64]

    def __len__(self) -> int:
        return len(self.customer)

    def chosen(self, wanted: npt.NDArray[np.bool_]) -> Answers:
        """Return some of the answers; the customers stay as they are."""
        return Answers(
            customers=self.customers,
            kinds=self.kinds,
            channels=self.channels,
            customer=self.customer[wanted],
            kind=self.kind[wanted],
            channel=self.channel[wanted],
            hour=self.hour[wanted],
            weekday=self.weekday[wanted],
            moment=self.moment[wanted],
        )


def read_answers(
    frame: pd.DataFrame, *, known_until: pd.Timestamp, customers: pd.Series | None = None
) -> Answers:
    """Return the answers of the two years before a moment, of all who answered or of `customers`.

    Raises LabelError where a value is missing, or an hour is none.
    """
    _refuse_missing(frame)
    moment = naive_utc(frame["answered_at"])
    memory = known_until - pd.Timedelta(days=MEMORY_DAYS)
    is_known = ((moment < known_until) & (moment >= memory)).to_numpy()
    if customers is None:
        known = frame["customer_id"][is_known].astype("str")
        customers = known.drop_duplicates()
    customer = places_of(frame["customer_id"], pd.Index(customers, dtype="str"))
    rows = np.flatnonzero(is_known & (customer >= 0))
    (kind, kinds), (channel, channels) = (
        _named(frame[name], rows) for name in ("answer_kind", "channel")
    )
    return Answers(
        customers=np.asarray(customers, dtype=object),
        kinds=kinds,
        channels=channels,
        customer=customer[rows],
        kind=kind,
        channel=channel,
        hour=frame["local_hour"].to_numpy(dtype=np.int64)[rows],
        weekday=_weekday(frame["answer_date"])[rows],
        moment=moment.to_numpy()[rows],
    )


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of at most 200,000 persons, in an order that does not depend on theirs.

    Which persons, a hash of their id decides. Raises LabelError as `read_answers` does, and for
    answers that are known before they came: they would tell the habits of the days that are to
    judge them.
    """
    _refuse_missing(frame)
    _refuse_early(frame)
    names = frame["customer_id"].astype("str")
    if names.nunique() > MOST_PERSONS:
        drawn = pd.Series(hash_array(names.to_numpy(dtype=object)), index=frame.index)
        limit = np.sort(drawn.unique())[MOST_PERSONS]
        frame = frame[drawn < limit]
    return frame.sort_values(["customer_id", "answered_at", "answer_kind"], kind="stable")


def split(answers: Answers, moment: pd.Timestamp) -> tuple[Answers, Answers]:
    """Return the answers before a moment and from then on."""
    is_before = answers.moment < np.datetime64(moment)
    return answers.chosen(is_before), answers.chosen(~is_before)


def answer_gates(answers: Answers, before: Answers, within: Answers) -> tuple[Gate, ...]:
    """Return what has to be there before habits are learnt: answers, persons, and time."""
    both = len(np.intersect1d(before.customer, within.customer))
    days = 0
    if len(answers):
        days = (pd.Timestamp(answers.moment.max()) - pd.Timestamp(answers.moment.min())).days
    wanted = (
        ("count_answers", len(answers), LEAST_ANSWERS, "answers of people"),
        ("count_persons", both, LEAST_PERSONS, "persons who answered both earlier and lately"),
        ("history_days", days, LEAST_DAYS, "days from the first answer to the last"),
    )  # fmt: skip
    return tuple(
        Gate(name, value, least, f"{value:,} {what}; at least {least:,} are needed.")
        for name, value, least, what in wanted
    )


def _named(values: pd.Series, rows: Codes) -> tuple[Codes, tuple[str, ...]]:
    """Return the positions of some rows' texts among their own sorted names, -1 for null."""
    codes, names = coded(values)
    codes = codes[rows]
    is_used = np.bincount(codes + 1, minlength=len(names) + 1)[1:] > 0
    # One more place, for null.
    place = np.append(np.cumsum(is_used) - 1, -1)
    return place[codes], tuple(str(name) for name in names[is_used])


def _weekday(days: pd.Series) -> Codes:
    """Return 0 for Monday to 6; the first day of 1970 was a Thursday."""
    moments = pd.to_datetime(days).to_numpy("datetime64[D]")
    return (moments.astype(np.int64) + 3) % 7


def _refuse_early(frame: pd.DataFrame) -> None:
    """Raise LabelError where the local day is later than any time zone puts the moment.

    The moment says what was known when: an answer of a later day would be known before it came.
    """
    known = naive_utc(frame["answered_at"]).dt.normalize()
    count = int(((pd.to_datetime(frame["answer_date"]) - known).dt.days > 1).sum())
    if count:
        raise LabelError(
            f"answer_date is after answered_at in {count} answers, as if known before they came. "
            f"Date both by the same event in {ANSWERS.relation}."
        )


def _refuse_missing(frame: pd.DataFrame) -> None:
    """Raise LabelError for absent columns, nulls and hours that no day has."""
    for name in ANSWERS.columns:
        if name not in frame.columns:
            raise LabelError(f"The answers miss the column {name}. Select it.")
    for name in NEVER_NULL:
        count = int(frame[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} answers. Leave those out.")
    count = int((~frame["local_hour"].between(0, 23)).sum())
    if count:
        raise LabelError(f"local_hour is not 0 to 23 in {count} answers. Mend the model.")
