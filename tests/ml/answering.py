"""Answers of simulated persons, with a habit of a stated strength or without one."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLOCK = pd.Timestamp("2026-11-01")
# How often visits come at each hour: hardly at night, most in the evening.
USUAL = np.array([8, 4, 2, 1, 1, 3, 10, 22, 34, 44, 50, 52, 54, 52, 48, 48, 52, 60, 70, 84, 90, 76,
                  46, 20]) / 931  # fmt: skip


def answers_of(
    customers: int, *, seed: int, hour_habit: float = 0.0, channel_habit: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two years of answers, and of each customer the true own hour and own channel.

    An answer is at the own hour, or beside it, with the probability `hour_habit`, and through the
    own channel with `channel_habit`; else it is like everybody's. Mails go out at seven.
    """
    generator = np.random.default_rng(seed)
    count = generator.poisson(generator.gamma(2.0, 8.0, customers))
    person = np.repeat(np.arange(customers), count)
    own_hour = generator.choice(24, customers, p=USUAL)
    own_kind = generator.choice(["mail", "app"], customers)
    kind = generator.choice(["mail", "app", "web"], len(person), p=[0.45, 0.35, 0.2])
    keeps = (generator.random(len(person)) < channel_habit) & (kind != "web")
    kind = np.where(keeps, own_kind[person], kind)
    opened = (7 + generator.exponential(10, len(person)).astype(int)) % 24
    hour = np.where(kind == "mail", opened, generator.choice(24, len(person), p=USUAL))
    own = (own_hour[person] + generator.integers(-1, 2, len(person))) % 24
    hour = np.where(generator.random(len(person)) < hour_habit, own, hour)
    day = CLOCK - pd.to_timedelta(generator.integers(1, 700, len(person)), unit="D")
    answers = pd.DataFrame(
        {
            "customer_id": "c" + pd.Series(person).astype(str),
            "answer_kind": kind,
            "channel": pd.Series(kind).map({"mail": "email", "app": "push"}),
            "answer_date": day,
            "local_hour": hour,
            "answered_at": (day + pd.to_timedelta(hour, unit="h")).astype("datetime64[us]"),
        }
    )
    once = answers.drop_duplicates(["customer_id", "answer_kind", "answer_date"])
    truth = pd.DataFrame(
        {
            "customer_id": "c" + pd.Series(np.arange(customers)).astype(str),
            "own_hour": own_hour,
            "own_channel": np.where(own_kind == "mail", "email", "push"),
        }
    )
    return once.reset_index(drop=True), truth
