"""One's own orders on the same road, and a bad file."""

import pytest


@pytest.mark.slow
def test_ones_own_orders_take_the_same_road(tmp_path, new_state):
    """A folder with one orders.csv gives customers, stages and a file, and refuses to predict; the
    terminal shows that and no library's log."""
    shop = tmp_path / "mine"
    shop.mkdir()
    lines = ["order_id,email,ordered_at,net_amount"]
    lines += [
        f"{n},person{n % 40}@post.example,2026-0{1 + n % 6}-1{n % 9},{10 + n}.50"
        for n in range(120)
    ]
    (shop / "orders.csv").write_text("\n".join(lines) + "\n")
    state = new_state(tmp_path / "home")

    done = state.run("demo", "--shop", str(shop))

    assert "WARNING" not in done.stdout + done.stderr
    assert "INFO" not in done.stdout + done.stderr
    summary = state.summary
    assert summary["people"]["customers"] == 40
    assert summary["model"]["status"] == "refused"
    assert summary["model"]["reasons"]
    assert summary["value"]["customers"] == 0
    assert any("at least 500" in reason for reason in summary["value"]["reasons"])
    assert summary["offers"]["customers"] == 0
    assert summary["uplift"]["customers"] == {}
    assert summary["timing"]["customers"] == 0
    assert summary["groups"]["customers"] == {}
    assert summary["leads"]["customers"] == 0
    assert summary["visits"]["champion"] is None
    assert any("prospects" in reason for reason in summary["leads"]["reasons"])
    assert "Whom a contact moves not known: " in " ".join(done.stdout.split())
    assert "no offers: " in " ".join(done.stdout.split())
    assert "no expectation: 40 customers with a purchase" in " ".join(done.stdout.split())
    rows = {row["sync"]: row["acknowledged"] for row in summary["syncs"]}
    assert rows["file_drop__customer_scores"] == 40


def test_a_misspelt_column_stops_before_anything_is_built(tmp_path, new_state):
    """One clear error with file, column and remedy; no warehouse table is made."""
    shop = tmp_path / "mine"
    shop.mkdir()
    (shop / "orders.csv").write_text(
        "order_id,emial,ordered_at,net_amount\n1,a@b.de,2026-01-01,5\n"
    )
    state = new_state(tmp_path / "home")

    done = state.run("demo", "--shop", str(shop), check=False)

    assert done.returncode == 1
    assert "orders.csv: column 'emial' is not known. Rename it to 'email'" in " ".join(
        done.stderr.split()
    )
    assert "a@b.de" not in done.stdout + done.stderr
