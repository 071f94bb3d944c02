"""How well a randomised test teaches whom a nudge moves, on what the road left in a folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.evaluation import Numbers
from ml.logistic import learn_logistic
from ml.models import uplift
from ml.prediction import Input
from ml.recipes import linear_design
from ml.trials.crossfit import cross_fit, deal
from ml.trials.learners import RESPONSE, T_LOGIT
from ml.trials.qini import judge_rankings, qini
from ml.trials.trial import Trial, read_trials
from ml.value.windows import known_purchases
from tests.dbt.truth import MAIN_PERSONS

GOAL = 0.6
TRUTH = (
    MAIN_PERSONS
    + """
    select
        customer_id, any_value(adding_probability) as adding,
        any_value(losing_probability) as losing, any_value(orders_without) as comes
    from main_persons
    inner join read_parquet('{truth}/potential_outcomes/**/*.parquet') using (person_id)
    group by customer_id
"""
)


def measure_uplift(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the Qini of the ranking that is used, beside that of whoever knew the true effects.

    The reference knows how probable the nudge adds or costs an order for each person, and learns
    who orders anyway from what everybody would do without it. The response model stands beside.
    """
    home = folder / size
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        clock = pd.Timestamp(connection.execute("select as_of from raw.clock").fetchall()[0][0])
        frames = {name: _frame(connection, read) for name, read in uplift.TRAINING.items()}
        truth = connection.execute(TRUTH.format(truth=home / "truth")).df()
    trial = _trial(frames, clock)
    told = truth.set_index("customer_id").reindex(trial.customers)
    known = told["comes"].notna().to_numpy()
    fitted = cross_fit(trial, seed=0)
    _, ranked = judge_rankings(fitted.scores, fitted.effect, preferred=T_LOGIT, seed=0)
    effect, oracle = _true_effects(trial, told.fillna(0.0))
    best = qini(oracle[known], effect[known])
    for name, kind in (("uplift_qini", ranked[0]), ("response_model_qini", RESPONSE)):
        reached = qini(fitted.scores[kind][known], effect[known])
        yield {
            "name": name,
            "value": round(1000 * reached, 3),
            "unit": f"orders per 1,000 persons, {len(trial):,} contacts, {kind}",
            "size": size,
            "ratio": round(reached / best, 3),
            "ratio_to": f"the feature oracle (goal {GOAL}): {1000 * best:.3f}",
        }


def _frame(connection: duckdb.DuckDBPyConnection, read: Input) -> pd.DataFrame:
    columns = ", ".join(read.columns)
    query = f"select {columns} from {read.relation} where {read.condition}"
    return connection.execute(query).df()


def _trial(frames: Mapping[str, pd.DataFrame], clock: pd.Timestamp) -> Trial:
    purchases = known_purchases(frames["purchases"], known_until=clock)
    inputs = (frames["contacts"], frames["features"], purchases)
    return next(read_trials(*inputs, days=uplift.HORIZON_DAYS, known_until=clock))


def _true_effects(trial: Trial, told: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Return the effect on each person, given what they do anyway, and as features could tell."""
    adding, losing = (told[name].to_numpy(float) for name in ("adding", "losing"))
    comes = told["comes"].to_numpy(bool)
    design = linear_design(trial.matrix, np.nanmedian(trial.matrix, axis=0))
    fold, chance = deal(trial, seed=1), np.empty(len(trial))
    for number in range(int(fold.max()) + 1):
        held = fold == number
        chance[held] = learn_logistic(design[~held], comes[~held]).probability(design[held])
    effect: Numbers = adding * ~comes - losing * comes
    return effect, adding * (1 - chance) - losing * chance
