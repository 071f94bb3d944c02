"""Whether companies buy, said before the month and compared with what the month brought."""

import json
from datetime import date

import numpy as np
import pytest

from ml.leads.cards import HAND_CARD, LEARNT_CARD
from ml.models import lead_score
from orchestration.warehouse import Warehouse
from tests.scored import train_and_score

pytestmark = pytest.mark.slow

# Most persons buy for a company, so that a small shop has the accounts of a larger one.
WORLD = ("tiny", 4, "business_share=0.7")
LEADS = (
    "+int_lead_moments_taken", "+int_lead_activities_dated", "+int_lead_facts_dated",
)  # fmt: skip
OUTCOMES = """
select odds.hand_set_probability, odds.learnt_probability, exists(
    select 1 from intermediate.int_purchase_occasions as purchase
    where purchase.customer_id = odds.customer_id
        and purchase.occurred_at >= timestamp '2026-10-01'
        and purchase.occurred_at < timestamp '2026-10-31'
)
from ml.lead_score as odds
inner join core.customers using (customer_id)
"""


@pytest.fixture(scope="module")
def shop(make_shop, advance, tmp_path_factory):
    """A shop of companies scored on the first of October, and the month that followed."""
    made = make_shop(*WORLD, until=date(2026, 10, 1))
    made.build(*LEADS, "stg_ml__lead_scores", "lead_odds")
    models = tmp_path_factory.mktemp("models")
    with Warehouse(made.warehouse).connect() as connection:
        train_and_score(connection, lead_score, models)
    made.build("stg_ml__lead_scores", "lead_odds")
    return made


@pytest.fixture(scope="module")
def outcomes(shop, advance):
    """What was said of every lead by both cards, and whether it bought in October."""
    told = shop.query(
        "select count(*), count(*) filter (where is_sales_ready) from insight.lead_odds"
    )
    size, seed, *overrides = WORLD
    advance(shop, size, seed, date(2026, 11, 1), *overrides)
    shop.build("+int_purchase_occasions")
    return told[0], np.array(shop.query(OUTCOMES), dtype=float)


def test_companies_have_cards_and_prospects_a_reason(shop):
    """Every account has odds; prospects, of whom hardly one buys, are left out and it is said."""
    status, report = shop.query("select status, report from ml.trainings")[0]
    told = json.loads(report)

    assert status in {"evidence", "no_evidence"}
    assert set(told["cards"]) == {"account"}
    assert "prospects" in told["reason"]
    assert shop.query("""
        select lead_kind, count(*) = (
            select count(*) from intermediate.int_lead_moments_taken
            where is_current and lead_kind = 'account'
        )
        from insight.lead_odds group by 1
    """) == [("account", True)]


def test_odds_come_true_in_the_month_that_follows(outcomes):
    """Both cards find buyers and expect about as many as came; the learnt one ranks better."""
    (count, ready), rows = outcomes
    hand, learnt, bought = rows.T
    cards = {HAND_CARD: hand, LEARNT_CARD: learnt}

    assert len(rows) > 0.95 * count > 500
    assert 0 < ready < count
    for odds in cards.values():
        assert odds.sum() / bought.sum() == pytest.approx(1, abs=0.35)
    assert _auc(bought, learnt) > _auc(bought, hand) > 0.7


def _auc(bought, odds) -> float:
    """Return how often a buyer ranks before another lead, ties counting half."""
    above = odds[bought == 1][:, None] - odds[bought == 0][None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())
