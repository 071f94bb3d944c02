"""The best offers against what the simulator's persons truly like, and what the rules forbid."""

from datetime import date

import pytest

from ml.models import next_offer
from orchestration.warehouse import Warehouse
from tests.dbt.truth import MAIN_PERSONS
from tests.scored import train_and_score

pytestmark = pytest.mark.slow

# What every product that may be offered would truly bring every buyer: how probable it is in a line
# that they buy, times what it leaves over. The rules are those of the mart, the tastes the truth's.
WORTH = (
    MAIN_PERSONS
    + """,
    buyers as (
        select customer_id, person_id
        from (select distinct customer_id from staging.stg_ml__next_offers) as offered
        inner join main_persons using (customer_id)
        where customer_id not in (select customer_id from decisions.holds where is_active)
    ),
    goods as (
        select
            valued.sku, products.category, rebuys.product_group, rebuys.is_durable,
            rebuys.quarantine_days, valued.margin_amount * valued.kept_share as gain,
            sold.quantity as popularity, true_product.category_share
        from intermediate.int_products_valued as valued
        inner join core.products as products using (sku)
        inner join intermediate.int_rebuys_learned as rebuys using (sku)
        inner join intermediate.int_products_sold as sold using (sku)
        inner join read_parquet('{truth}/product/**/*.parquet') as true_product using (sku)
        where valued.is_active and valued.margin_amount > 0
            and coalesce(valued.stock_quantity, 1) > 0
    ),
    worth as (
        select
            buyers.customer_id, goods.sku, goods.gain, goods.popularity,
            goods.gain * goods.category_share * taste.line_share as worth
        from buyers
        cross join goods
        cross join raw.clock
        inner join read_parquet('{truth}/taste/**/*.parquet') as taste
            on taste.person_id = buyers.person_id and taste.category = goods.category
        left join intermediate.int_rebuys_followed as last
            on last.customer_id = buyers.customer_id
            and last.product_group = goods.product_group and last.is_last
        where last.occurred_at is null
            or (
                not goods.is_durable
                and date_diff('second', last.occurred_at, clock.as_of)
                >= floor(goods.quarantine_days * 86400)
            )
    ),
    policies as (
        select
            worth.customer_id,
            max(worth) as oracle,
            arg_max(worth, popularity) as popular,
            arg_max(worth, gain) as dearest,
            coalesce(max(worth) filter (where worth.sku = offer.sku), 0) as ours
        from worth
        left join decisions.next_best_offers as offer
            on offer.customer_id = worth.customer_id and offer.offer_rank = 1
        group by worth.customer_id
    )
    select
        count(*), sum(ours) / sum(oracle), sum(popular) / sum(oracle), sum(dearest) / sum(oracle)
    from policies
"""
)
# Offers of what the customer, under whatever address, has bought or may not be sold.
FORBIDDEN = """
    select count(*)
    from decisions.next_best_offers as offer
    inner join intermediate.int_rebuys_learned as rebuys using (sku)
    inner join core.products as products using (sku)
    inner join intermediate.int_products_valued as valued using (sku)
    cross join raw.clock
    left join (
        select
            lines.customer_id, coalesce(goods.substitutes_group, goods.sku) as product_group,
            max(lines.occurred_at) as bought_at
        from intermediate.int_purchase_lines_joined as lines
        inner join core.products as goods using (sku)
        group by all
    ) as last
        on last.customer_id = offer.customer_id and last.product_group = rebuys.product_group
    where (products.is_durable and last.bought_at is not null)
        or last.bought_at > clock.as_of - to_days(floor(rebuys.quarantine_days)::int)
        or valued.stock_quantity <= 0
        or not valued.is_active
        or offer.customer_id in (select customer_id from decisions.holds where is_active)
"""


@pytest.fixture(scope="module", params=[11, 12], ids=lambda seed: f"seed {seed}")
def shop(request, make_shop, tmp_path_factory):
    """A simulated shop of the demo's size whose offers were predicted and judged."""
    made = make_shop("demo", request.param, until=date(2026, 10, 31))
    made.build("+next_best_offers", "+customer_features")
    models = tmp_path_factory.mktemp("models")
    with Warehouse(made.warehouse).connect() as connection:
        train_and_score(connection, next_offer, models)
    made.build("stg_ml__next_offers", "int_offers_judged", "next_best_offers")
    return made


def test_best_offers_bring_most_of_what_could_be_had(shop):
    """Three quarters of what knowing everybody's taste would bring; popularity brings far less."""
    count, ours, popular, dearest = shop.query(WORTH)[0]

    assert count > 3_000
    assert ours >= 0.75
    assert popular < ours - 0.1
    assert dearest < ours - 0.1


def test_nothing_forbidden_is_offered(shop):
    """No durable or its substitute twice, nothing within its days or sold out, nobody held."""
    judged = dict(
        shop.query(
            "select refused_because, count(*) from intermediate.int_offers_judged group by all"
        )
    )

    assert shop.query(FORBIDDEN) == [(0,)]
    assert judged[None] > 10_000
    assert {"held", "owned", "just_bought"} <= set(judged)


def test_tastes_are_learnt_and_proven(shop):
    """The newest window proves EASE better than popularity, by the report that is stored."""
    status, recall, naive = shop.query(
        "select status, report ->> '$.metrics.ease.new_item_recall', "
        "report ->> '$.metrics.popularity.new_item_recall' from ml.trainings"
    )[0]

    assert status == "evidence"
    assert float(recall) > 1.2 * float(naive)


def test_durables_are_told_apart_from_consumables(shop):
    """What the simulator calls durable is never offered again; care products are, after days."""
    rules = dict(
        shop.query(
            "select products.category, bool_and(rebuys.is_durable) "
            "from intermediate.int_rebuys_learned as rebuys inner join core.products using (sku) "
            "group by all"
        )
    )

    assert rules == {
        "home": True, "outdoor": True, "furniture": True, "apparel": False, "care": False,
    }  # fmt: skip
    days = shop.query(
        "select distinct basis, quarantine_days between 1 and 120 "
        "from intermediate.int_rebuys_learned where not is_durable"
    )
    assert days == [("learned", True)]
