"""next_offer finds what customers buy next, tells odds that come true, refuses thin data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.models.next_offer import RESULT, explain, fit, predict
from ml.offers.baskets import baskets_at, known_lines
from ml.offers.ease import bought_matrix, learn_weights
from ml.offers.lists import EASE, learn_taste, offer_again, offer_new
from ml.prediction import Model, Refused, Trained

CLOCK = pd.Timestamp("2026-11-01")
NOW = pd.Timestamp("2026-11-01 04:00")
HORIZON = pd.Timedelta(days=90)


def rows(*lines: tuple[str, str, str]) -> pd.DataFrame:
    """Return lines of customer, product and time."""
    frame = pd.DataFrame(lines, columns=["customer_id", "sku", "occurred_at"])
    frame["category"] = "group " + frame["sku"].str[1:2]
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"], format="ISO8601"))


def at(lines: pd.DataFrame, as_of: pd.Timestamp = CLOCK):
    """Return lines as baskets of a moment."""
    return baskets_at(known_lines(lines, known_until=as_of), as_of=as_of)


def frames(lines: pd.DataFrame, as_of: pd.Timestamp = CLOCK) -> dict[str, pd.DataFrame]:
    """Return what scoring reads: the lines, and everybody who had bought at a moment."""
    known = lines.loc[lines["occurred_at"] < as_of, "customer_id"].unique()
    return {"lines": lines, "customers": pd.DataFrame({"customer_id": known, "as_of": as_of})}


def predicted(model: Model, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the offers of everybody at the clock."""
    return predict(model, frames(lines), scored_at=NOW)


@pytest.fixture(scope="module")
def lines(simulate, fill) -> pd.DataFrame:
    """Three years of 5,000 customers with a taste, and a quarter to compare with."""
    return fill(simulate(customers=5_000, days=1_185, until=CLOCK + HORIZON, seed=4), seed=9)


@pytest.fixture(scope="module")
def trained(lines: pd.DataFrame) -> Trained:
    """The prediction trained on the three years."""
    result = fit({"lines": lines}, as_of=CLOCK)
    assert isinstance(result, Trained)
    return result


@pytest.fixture(scope="module")
def retail(retail_lines: pd.DataFrame) -> Trained:
    """The prediction trained on Online Retail, judged on its last 30 days."""
    result = fit({"lines": retail_lines}, as_of=pd.Timestamp("2011-12-10"), horizon_days=30)
    assert isinstance(result, Trained)
    return result


def test_real_customers_are_offered_what_they_then_bought(retail: Trained) -> None:
    """Recall at ten of the last 30 days: new products .11 and more, all products .34 and more."""
    naive, ease = (retail.report["metrics"][kind] for kind in ("popularity", "ease"))

    assert retail.champion.kind == EASE
    assert ease["new_item_recall"] >= 0.11
    assert ease["all_item_recall"] >= 0.34
    assert ease["new_item_recall"] > 1.2 * naive["new_item_recall"]
    assert ease["count_customers"] > 1_000


def test_odds_of_real_offers_come_true(retail: Trained) -> None:
    """What one month taught is right about the next, by list and in its order."""
    for name in ("again", "new"):
        told = retail.report["odds"][name]
        assert 0.7 <= told["calibration_ratio"] <= 1.4, name
        assert told["auc"] > 0.65, name


def test_weights_solve_the_least_squares_of_the_paper(lines: pd.DataFrame) -> None:
    """No weight off the diagonal can be changed for the better, and none is on it (Steck 2019)."""
    baskets = at(lines)
    weights = learn_weights(baskets, penalty=200.0).astype(np.float64)
    bought = bought_matrix(baskets, len(weights)).toarray().astype(np.float64)

    gram = bought.T @ bought
    gradient = gram @ weights + 200.0 * weights - gram
    np.fill_diagonal(gradient, 0.0)

    assert np.abs(gradient).max() < 1e-2
    assert (np.diag(weights) == 0).all()
    assert np.abs(weights).max() > 0.01


def test_a_taste_is_found(lines: pd.DataFrame, trained: Trained) -> None:
    """New products are those of the group somebody buys from, because of one bought before."""
    offers = predicted(trained.champion, lines)
    known = lines[lines["occurred_at"] < CLOCK]
    known = known.assign(group=known["sku"].str[:2])
    counts = known.groupby(["customer_id", "group"])["sku"].agg(["size", "nunique"])
    clear = counts[(counts["size"] >= 4) & (counts["nunique"] <= 6)].sort_values("size")
    clear = clear.reset_index().drop_duplicates("customer_id", keep="last")
    best = offers[(offers["offer_list"] == "new") & (offers["list_position"] == 1)]
    found = best.merge(clear, on="customer_id")

    assert (trained.status, trained.champion.kind) == ("evidence", EASE)
    assert len(found) > 500
    assert (found["sku"].str[:2] == found["group"]).mean() > 0.85
    assert (found["because_sku"].str[:2] == found["group"]).mean() > 0.85


def test_odds_come_true(lines: pd.DataFrame, trained: Trained) -> None:
    """Of each list as many are bought in the next quarter as were expected, high and low."""
    offers = predicted(trained.champion, lines)
    later = lines[lines["occurred_at"].between(CLOCK, CLOCK + HORIZON, "left")]
    came = offers.merge(
        later[["customer_id", "sku"]].drop_duplicates(), how="left", indicator=True
    )["_merge"].eq("both")

    for name in ("again", "new"):
        mine = (offers["offer_list"] == name).to_numpy()
        expected, actual = offers["conversion_probability"][mine], came[mine]
        is_high = (expected > expected.median()).to_numpy()
        assert expected.sum() == pytest.approx(actual.sum(), rel=0.15), name
        assert expected[is_high].sum() == pytest.approx(actual[is_high].sum(), rel=0.2), name
        assert actual[is_high].mean() > 2 * actual[~is_high].mean(), name


def test_the_factors_multiply(lines: pd.DataFrame, trained: Trained) -> None:
    """A conversion is a purchase times the product's share in it; one customer, one purchase."""
    offers = predicted(trained.champion, lines)

    product = offers["purchase_probability"] * offers["product_fit"]
    assert np.allclose(offers["conversion_probability"], product)
    assert (offers.groupby("customer_id")["purchase_probability"].nunique() == 1).all()


def test_lists_are_apart_and_in_order(lines: pd.DataFrame, trained: Trained) -> None:
    """Nothing new was bought before, everything else was; positions count from one to eight."""
    offers = predicted(trained.champion, lines)
    known = lines.loc[lines["occurred_at"] < CLOCK, ["customer_id", "sku"]].drop_duplicates()
    is_owned = offers.merge(known, how="left", indicator=True)["_merge"].eq("both").to_numpy()

    assert (is_owned == (offers["offer_list"] == "again")).all()
    positions = offers.groupby(["customer_id", "offer_list"])["list_position"]
    assert (positions.min() == 1).all()
    assert (positions.max() == positions.size()).all()
    assert positions.max().max() == 8
    assert offers.loc[offers["offer_list"] == "again", "because_sku"].isna().all()


def test_where_everybody_likes_the_same_popularity_is_published(simulate, fill) -> None:
    """Without tastes nothing is better than what sells, and the report says so."""
    made = simulate(customers=3_000, days=1_000, until=CLOCK, seed=6)

    result = fit({"lines": fill(made, seed=2, loyalty=0.0)}, as_of=CLOCK)

    assert isinstance(result, Trained)
    assert (result.status, result.champion.kind) == ("no_evidence", "popularity")
    assert "is not above that of popularity" in result.report["reason"]
    offers = predicted(result.champion, fill(made, seed=2, loyalty=0.0))
    assert offers["because_sku"].isna().all()


def test_recent_purchases_count_more() -> None:
    """What was bought twice long ago comes after what was bought once last week."""
    bought = rows(
        ("a", "old", "2024-11-01"), ("a", "old", "2024-12-01"), ("a", "fresh", "2026-10-25"),
    )  # fmt: skip
    baskets = at(bought)

    again = offer_again(baskets, np.array([0.5, 0.5]), count=5)

    assert [str(baskets.items[item]) for item in again.item] == ["fresh", "old"]


def test_batches_change_nothing(lines: pd.DataFrame) -> None:
    """Seven customers at a time get what all get at once."""
    baskets = at(lines[lines["customer_id"].str.endswith("7")])
    taste = learn_taste(EASE, baskets)

    one, many = (offer_new(baskets, taste, count=4, at_once=size) for size in (10_000, 7))

    for name, values in vars(one).items():
        assert (getattr(many, name) == values).all(), name


def test_what_the_model_does_not_know_is_ignored(trained: Trained) -> None:
    """A product launched since, and a customer who bought nothing else, are on no list."""
    extra = rows(
        ("knows", "g1-0", "2026-10-01"), ("knows", "novelty", "2026-10-02"),
        ("novice", "novelty", "2026-10-02"),
    )  # fmt: skip

    offers = predicted(trained.champion, extra)

    assert set(offers["customer_id"]) == {"knows"}
    assert "novelty" not in set(offers["sku"])
    again = offers.loc[offers["offer_list"] == "again", "sku"]
    assert list(again) == ["g1-0"]


def test_somebody_who_bought_everything_gets_nothing_new(trained: Trained) -> None:
    """The list of new products is empty then; the other is not."""
    every = [("all", f"g{g}-{p}", "2026-10-01") for g in range(6) for p in range(10)]

    offers = predicted(trained.champion, rows(*every))

    assert list(offers["offer_list"]) == ["again"] * 8


def test_time_that_goes_backwards_does_no_harm(lines: pd.DataFrame, trained: Trained) -> None:
    """A clock set back sees what was known then and nothing later; the future is never read."""
    past = CLOCK - pd.Timedelta(days=400)
    before = lines[lines["occurred_at"] < past]

    there = predict(trained.champion, frames(lines, past), scored_at=NOW)
    alone = predict(trained.champion, frames(before, past), scored_at=NOW)

    pd.testing.assert_frame_equal(there, alone)
    assert there["conversion_probability"].between(0, 1).all()
    known = fit({"lines": lines[lines["occurred_at"] < CLOCK]}, as_of=CLOCK)
    assert isinstance(known, Trained)
    assert known.champion.version == trained.champion.version


def test_nobody_to_score_is_no_error(trained: Trained) -> None:
    """An empty shop gives an empty result of the promised types, and nothing to explain."""
    nothing = frames(rows())

    found = predict(trained.champion, nothing, scored_at=NOW)

    assert found.empty
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: column.dtype for name, column in RESULT.items()
    }
    assert explain(trained.champion, nothing) == ()


def test_the_best_offer_is_explained(trained: Trained) -> None:
    """An affinity is told with the product it comes from, own purchases with how they faded."""
    day = pd.Timestamp("2026-09-01")
    mine = rows(*(("a", f"g2-{n}", str(day + pd.Timedelta(days=n))) for n in range(4)))

    reasons = explain(trained.champion, frames(mine))

    told = [reason.sentence for reason in reasons]
    assert any("g2-" in sentence and "odds of this product" in sentence for sentence in told)
    assert any("Days with a purchase: 4" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (lambda all_: all_.iloc[:0], "customers with a purchase"),
        (lambda all_: all_[all_["customer_id"].isin({f"c{n}" for n in range(300)})],
         "customers with a purchase"),
        (lambda all_: all_[all_["occurred_at"] > CLOCK - pd.Timedelta(days=300)], "at least 360"),
        (lambda all_: all_.assign(sku="only"), "1 products bought"),
        (lambda all_: all_[all_["sku"] == "g1-0"], "1 products bought"),
        (lambda all_: all_.drop_duplicates("customer_id"), "three or more purchases"),
        (lambda all_: all_.assign(sku=None), "sku is null"),
        (lambda all_: all_.assign(sku="s" + all_["customer_id"]), "new to them"),
    ],
    ids=["nothing", "few customers", "short history", "all the same item", "one item",
         "nobody came back", "no products", "nothing new"],
)  # fmt: skip
def test_too_thin_data_is_refused_with_its_reason(lines, kept, reason: str) -> None:
    """Never a guess: every gate that is not passed is named."""
    result = fit({"lines": kept(lines)}, as_of=CLOCK)

    assert isinstance(result, Refused)
    assert any(reason in told for told in result.reasons), result.reasons


def test_equal_data_gives_equal_versions_in_any_order(lines: pd.DataFrame, trained) -> None:
    """The version names everything the fit depends on."""
    again = fit({"lines": lines.sample(frac=1, random_state=1)}, as_of=CLOCK)

    assert isinstance(again, Trained)
    assert again.champion.version == trained.champion.version
    assert again.report == trained.report
