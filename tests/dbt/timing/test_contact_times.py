"""From opens and visits to the hour and channel of each customer, against the simulator's truth."""

import json

import pytest

from ml.models import channel_and_time
from orchestration.warehouse import Warehouse
from tests.dbt.truth import MAIN_PERSONS
from tests.scored import train_and_score

pytestmark = pytest.mark.slow

HABITS = ("hour_habit_share=0.7", "open_share=0.5", "visits_per_year=8")
# How far the chosen hours of customers with ten answers are from their true ones.
TRUE_HOURS = (
    MAIN_PERSONS
    + """,
    apart as (
        select
            chosen.hour_source,
            abs(chosen.best_hour - habit.own_hour) as hours,
            abs(chosen.shop_hour - habit.own_hour) as shop_hours
        from decisions.contact_times as chosen
        inner join main_persons using (customer_id)
        inner join read_parquet('{truth}/habit/**/*.parquet') as habit using (person_id)
        where chosen.count_hour_answers >= 10
    )
    select
        count(*), avg((least(hours, 24 - hours) <= 1)::int),
        avg((least(shop_hours, 24 - shop_hours) <= 1)::int)
    from apart
"""
)


def predicted(shop, models):
    """Train and score on a shop, and build what is said of its customers."""
    shop.build("+customer_answers", "+customer_features")
    with Warehouse(shop.warehouse).connect() as connection:
        train_and_score(connection, channel_and_time, models)
    shop.build("stg_ml__channels_and_times", "contact_times")
    return shop


@pytest.fixture(scope="module")
def habitual(make_shop, tmp_path_factory):
    """A small shop whose persons often answer at an hour of their own."""
    return predicted(make_shop("tiny", 22, *HABITS), tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def usual(make_shop, tmp_path_factory):
    """The same shop, but nobody has a habit."""
    made = make_shop("tiny", 22, *HABITS[1:])
    return predicted(made, tmp_path_factory.mktemp("models"))


def test_true_hours_are_found(habitual):
    """Who answered ten times is given an hour at most one from the true one, twice as often as
    by the shop's best."""
    count, found, by_shop = habitual.query(TRUE_HOURS)[0]

    assert count > 300
    assert found > 0.7
    assert found > 2 * by_shop


def test_without_habits_there_is_no_evidence(usual):
    """Everybody gets the shop's best hour, marked as such, and the report says why."""
    status, reasons = usual.query("select status, reasons from ml.trainings")[0]
    rows = usual.query("""
        select count(*), count(distinct best_hour), count(*) filter (where hour_source = 'shop')
        from decisions.contact_times""")[0]

    assert status in ("no_evidence", "evidence")
    assert "No evidence that the best hour differs" in json.loads(reasons)[0]
    assert rows[0] == rows[2] > 1_000
    assert rows[1] == 1


def test_machines_and_bots_answer_nothing(habitual):
    """No answer is a mail proxy's open or a bot's visit, and hours are Berlin's."""
    machines = """
        select count(*) from insight.customer_answers as answer
        inner join intermediate.int_mail_contacts_assigned as contact
            on contact.customer_id = answer.customer_id
            and contact.occurred_at = answer.answered_at
        where answer.answer_kind = 'mail' and contact.is_machine
            and not exists (
                select * from intermediate.int_mail_contacts_assigned as human
                where human.customer_id = answer.customer_id and not human.is_machine
                    and human.occurred_at = answer.answered_at)"""
    hours = """
        select count(*) from insight.customer_answers where local_hour <> extract(
            hour from (answered_at at time zone 'UTC') at time zone 'Europe/Berlin')"""

    assert habitual.query(machines) == [(0,)]
    assert habitual.query(hours) == [(0,)]
