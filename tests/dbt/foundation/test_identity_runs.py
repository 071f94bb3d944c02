"""Customer ids over many runs: what is known changes, who somebody is does not."""

from collections.abc import Iterable
from datetime import date, timedelta

import duckdb
import pytest

from sandbox.shop import generate
from tests.dbt.conftest import Shop, load_landing

pytestmark = pytest.mark.slow

MODELS = (
    "+customer_merges", "+customer_aliases", "+int_customers_resolved", "+experiment_assignments",
)  # fmt: skip


def order(number: str, day: int, **details: object) -> dict[str, object]:
    """Return an order of 10 euros in October 2026."""
    ordered_at = f"2026-10-{day:02d} 12:00:00"
    return {"order_id": number, "ordered_at": ordered_at, "net_amount": "10.00", **details}


ORDERS = [
    order("ada1", 1, email="ada@one.example"),
    order("ada2", 2, email="ada@one.example"),
    order("ada3", 3, phone="0150 1111222"),
    order("bob1", 4, email="bob@two.example"),
    order("bob2", 5, email="bob@two.example", phone="0150 3333444"),
    order("eve1", 6, email="eve@three.example"),
]
BRIDGE = order("bridge", 20, email="ada@one.example", phone="0150 1111222")


class Runs:
    """One shop over several runs; what landed is changed in between."""

    def __init__(self, shop) -> None:
        self.shop = shop
        self.shop.build(*MODELS)

    def customers(self) -> dict[str, str]:
        """Return the customer of every order."""
        return dict(
            self.shop.query(
                "select split_part(source_record_key, ':', 2), customer_id "
                "from intermediate.int_customers_resolved"
            )
        )

    def events(self) -> list[tuple[str, int]]:
        """Return the events of the last run that had any, with their records."""
        return self.shop.query(
            "select event, count_records from core.customer_merges "
            "qualify run_number = max(run_number) over () order by all"
        )

    def run(self, *statements: str) -> dict[str, str]:
        """Change what landed, build once more and return the customers."""
        with duckdb.connect(str(self.shop.warehouse)) as connection:
            for statement in statements:
                connection.execute(statement)
        self.shop.dbt(
            "build", "--exclude-resource-type", "test", "unit_test", "seed", "--select", *MODELS
        )
        return self.customers()


def landed(orders: Iterable[dict[str, object]]) -> str:
    """Write orders as a statement that lands them."""
    rows = ", ".join(
        "({})".format(
            ", ".join(
                f"'{order[name]}'" if name in order else "null"
                for name in ("order_id", "ordered_at", "email", "phone")
            )
        )
        for order in orders
    )
    return (
        "insert into raw.shop__orders by name select order_id, cast(ordered_at as timestamp) as "
        "ordered_at, email, phone, 10 as net_amount, date '2026-10-31' as _arrived_on, 'x' as "
        f"_file, 1 as _row from (values {rows}) as o (order_id, ordered_at, email, phone)"
    )


def drawn(experiment: str, customer_id: str, variant: str, day: int) -> str:
    """Write the statement that lands the draw of a customer in October 2026."""
    return (
        "insert into raw.experiments__assignments by name select "
        f"'{experiment}' as experiment, '{customer_id}' as customer_id, '{variant}' as variant, "
        f"timestamp '2026-10-{day:02d} 09:00:00' as assigned_at, date '2026-10-31' as _arrived_on, "
        "'x' as _file, 1 as _row"
    )


def gone(number: str) -> str:
    """Write the statement after which an order never landed."""
    return f"delete from raw.shop__orders where order_id = '{number}'"


@pytest.fixture(scope="module")
def runs(make_landed):
    """A shop with three customers, one of them not yet known to be one."""
    return Runs(make_landed({"shop/orders": ORDERS}))


def test_ids_outlive_whatever_becomes_known(runs):
    """Nothing new, a merge, its undoing, a late record and a lost one, one after the other."""
    first = runs.customers()
    assert first["ada1"] == first["ada2"] != first["ada3"]
    assert runs.run() == first
    assert runs.events() == []

    merged = runs.run(landed([BRIDGE]))
    assert merged["ada3"] == merged["bridge"] == first["ada1"]
    assert {number: merged[number] for number in ("bob1", "eve1")} == {
        number: first[number] for number in ("bob1", "eve1")
    }
    assert runs.events() == [("merge", 1)]
    aliases = "select former_customer_id, customer_id from core.customer_aliases"
    assert runs.shop.query(aliases) == [(first["ada3"], first["ada1"])]

    undone = runs.run(gone("bridge"))
    assert undone == first
    assert runs.events() == [("restore", 1)]
    assert runs.shop.query(aliases) == []

    older = order("bob0", 1, email="bob@two.example")
    assert runs.run(landed([older])) == {**first, "bob0": first["bob1"]}

    # The order that bob's id was given for is erased: he stays who he is.
    left = runs.run(gone("bob1"))
    assert left["bob0"] == left["bob2"] == first["bob1"]


def test_an_experiment_keeps_the_earliest_draw_of_who_turns_out_to_be_one(runs):
    """Merged arms are marked, and undoing the merge gives each its own arm back."""
    arms = (
        "select customer_id, variant, is_contaminated from measurement.experiment_assignments "
        "where experiment = 'mail or none' order by assigned_at"
    )
    before = runs.customers()
    ada, eve = before["ada1"], before["eve1"]
    runs.run(drawn("mail or none", eve, "none", 7), drawn("mail or none", ada, "mail", 8))
    assert runs.shop.query(arms) == [(eve, "none", False), (ada, "mail", False)]

    one = order("one", 21, email="ada@one.example", phone="0150 5555666")
    same = order("same", 22, email="eve@three.example", phone="0150 5555666")
    assert runs.run(landed([one, same]))["eve1"] == ada
    assert runs.shop.query(arms) == [(ada, "none", True)]

    undone = runs.run(gone("one"), gone("same"))
    assert undone["eve1"] == eve
    assert runs.shop.query(arms) == [(eve, "none", False), (ada, "mail", False)]


def test_a_declaration_wins_and_its_withdrawal_restores(runs):
    """Somebody knows that two are one, later that one is two; both can be taken back."""
    before = runs.customers()
    seed = "reference.identity_overrides"
    said = "'Kim', 'told on the phone', date '2026-10-30'"

    joined = runs.run(
        f"insert into {seed} values ('O1', 'join', 'shop/orders:bob2', 'shop/orders:eve1', {said})"
    )
    assert joined["eve1"] == joined["bob2"] == before["bob2"]

    parted = runs.run(
        f"delete from {seed}",
        f"insert into {seed} values ('O2', 'separate', 'shop/orders:ada1', 'shop/orders:ada2',"
        f" {said})",
    )
    assert parted["eve1"] == before["eve1"]
    assert parted["ada1"] == before["ada1"] != parted["ada2"]

    assert runs.run(f"delete from {seed}") == before


def test_a_full_refresh_keeps_every_id(runs):
    """Rebuilding all tables is not a reason to become somebody else."""
    before = runs.customers()
    events = runs.shop.query("select count(*) from core.customer_merges")

    runs.shop.dbt(
        "build", "--full-refresh", "--exclude-resource-type", "test", "unit_test", "--select",
        *MODELS,
    )  # fmt: skip

    assert runs.customers() == before
    assert runs.shop.query("select count(*) from core.customer_merges") == events


def test_a_normal_day_changes_hardly_any_id(tmp_path, parsed):
    """A day's news add people and orders; who was known keeps the id, and a rebuild finds the same.

    Built anew from the same data, the same records are together.
    """
    shop, day = Shop(tmp_path, parsed), date(2026, 10, 20)
    known = []
    for until in (day, day + timedelta(days=1)):
        generate(tmp_path / "landing", tmp_path / "truth", size="tiny", seed=3, until=until)
        load_landing(tmp_path)
        shop.build("+int_customers_resolved")
        known.append(resolved(shop))
    changed = {key for key, customer in known[0].items() if known[1].get(key) != customer}

    assert len(known[1]) > len(known[0]) > 10_000
    assert len(changed) <= 0.005 * len(known[0])

    with duckdb.connect(str(shop.warehouse)) as connection:
        for table in ("customer_assignments_recorded", "identity_components_connected",
                      "identity_claims_collected", "identity_nodes_registered"):  # fmt: skip
            connection.execute(f"drop table intermediate.int_{table}")
    shop.build("+int_customers_resolved")

    assert partition(resolved(shop)) == partition(known[1])


def resolved(shop):
    """Return the customer of every record."""
    return dict(
        shop.query(
            "select concat(source, '/', source_record_key), customer_id "
            "from intermediate.int_customers_resolved"
        )
    )


def partition(customers):
    """Return which records are together, whatever they are called."""
    groups = {}
    for record, customer in customers.items():
        groups.setdefault(customer, set()).add(record)
    return {frozenset(group) for group in groups.values()}
