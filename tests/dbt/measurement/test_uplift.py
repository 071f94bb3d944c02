"""From a landed experiment to what is said of each customer, against the simulator's truth."""

import json

import pytest

from ml.models import uplift
from orchestration.warehouse import Warehouse
from tests.dbt.truth import MAIN_PERSONS
from tests.scored import train_and_score

pytestmark = pytest.mark.slow

# A strong nudge that nearly everybody is drawn for: a small shop then proves what large ones do.
STRONG = (
    "nudge_test_share=1", "nudge_strength=5", "newsletter_share=1", "double_opt_in_lost_share=0",
)  # fmt: skip
BUILT = ("+int_experiment_features_taken", "+int_purchase_margins_computed", "+customer_features")
# What truth says a nudge does to those who were drawn, by what the mart says of them.
TRUE_EFFECTS = (
    MAIN_PERSONS
    + """
    select avg(effect.uplift), avg(
        outcome.adding_probability * (not outcome.orders_without)::int
        - outcome.losing_probability * outcome.orders_without::int
    )
    from decisions.contact_effects as effect
    inner join main_persons using (customer_id)
    inner join read_parquet('{truth}/potential_outcomes/**/*.parquet') as outcome using (person_id)
    group by effect.response_type = 'persuadable'
    order by effect.response_type = 'persuadable'
"""
)


@pytest.fixture(scope="module")
def shop(make_shop, tmp_path_factory):
    """A small shop with a strong nudge, whose effects were predicted."""
    made = make_shop("tiny", 21, *STRONG)
    made.build(*BUILT)
    models = tmp_path_factory.mktemp("models")
    with Warehouse(made.warehouse).connect() as connection:
        train_and_score(connection, uplift, models)
    made.build("stg_ml__uplifts", "contact_effects")
    return made


def test_draws_of_subscribers_become_customers(shop):
    """Nearly every draw leads to a customer, at the day of the draw, with features of then."""
    drawn, dated, taken = shop.query("""
        select
            (select count(*) from raw.experiments__subscriber_assignments),
            (select count(*) from intermediate.int_experiment_contacts_dated),
            (select count(*) from intermediate.int_experiment_features_taken)
    """)[0]
    late = """
        select count(*) from intermediate.int_experiment_contacts_dated
        where as_of > assigned_at or date_diff('day', as_of, assigned_at) > 0
    """

    assert drawn > 1_000
    assert 0.97 * drawn <= taken <= dated <= drawn
    assert shop.query(late) == [(0,)]


def test_a_strong_effect_is_proven(shop):
    """Two models are published, with what choosing is worth against all and nobody."""
    status, report = shop.query("select status, report from ml.trainings")[0]
    told = json.loads(report)

    assert status == "evidence"
    assert told["metrics"][told["champion"]]["lower"] > 0
    assert told["policy"]["value"]["lower"] > 0
    assert told["experiment"]["contact_cost"] == pytest.approx(0.4)


def test_persuadable_are_those_whom_a_nudge_truly_moves(shop):
    """Every buyer has a row, and the effect is larger where the mart says so, as in truth."""
    counts = shop.query("""
        select count(*), count(distinct customer_id),
            (select count(*) from insight.customer_features where is_current)
        from decisions.contact_effects
    """)
    (told_others, true_others), (told, true) = shop.query(TRUE_EFFECTS)

    assert len(set(counts[0])) == 1
    assert told > told_others + 0.05
    assert true > true_others + 0.05
