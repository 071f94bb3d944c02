"""Which shop a state folder holds, and that no other shop's state is ever lost."""

import os
from dataclasses import replace

import pytest

from orchestration.settings import InvalidSetting, read_settings
from orchestration.worlds import (
    UnknownShop,
    World,
    choose_world,
    enter,
    fill_landing,
    read_world,
)


@pytest.fixture
def settings(tmp_path):
    """Return settings whose state folder is empty."""
    return read_settings({"REGULARS_HOME": str(tmp_path / "home")})


def test_another_shop_puts_the_first_one_aside_and_back(settings):
    """Going to another shop and back finds the first warehouse again."""
    first, second = World("simulated", "tiny", 1), World("simulated", "tiny", 2)
    enter(settings, first)
    settings.warehouse.write_text("first")

    aside = enter(settings, second)
    was_empty = not settings.warehouse.exists()
    enter(settings, first)

    assert aside == first.slug
    assert was_empty
    assert settings.warehouse.read_text() == "first"
    assert read_world(settings) == first


def test_the_same_shop_stays_where_it_is(settings):
    """Running the same demo again keeps its state."""
    world = World("simulated", "tiny", 1, ("year2_retention=0.2",))
    enter(settings, world)
    settings.warehouse.write_text("kept")

    aside = enter(settings, replace(world))

    assert aside is None
    assert settings.warehouse.read_text() == "kept"


def test_a_shop_that_is_no_folder_is_refused_with_a_remedy():
    """The message names what can be given."""
    with pytest.raises(UnknownShop, match=r"simulated, online-retail.*orders\.csv"):
        choose_world("simulatd", "demo", 1, ())


def test_a_folder_is_mirrored_with_its_times(settings, tmp_path):
    """Files that left the folder leave the landing folder; unchanged ones keep their time."""
    shop = tmp_path / "mine"
    (shop / "shop").mkdir(parents=True)
    (shop / "orders.csv").write_text("a")
    (shop / "shop/products.csv").write_text("b")
    os.utime(shop / "orders.csv", (1_700_000_000, 1_700_000_000))
    world = choose_world(str(shop), "demo", 1, ())
    enter(settings, world)
    fill_landing(settings, world, None, lambda *_: None)
    (shop / "shop/products.csv").unlink()

    fill_landing(settings, world, None, lambda *_: None)

    assert [path.name for path in settings.landing.rglob("*.csv")] == ["orders.csv"]
    assert (settings.landing / "orders.csv").stat().st_mtime == 1_700_000_000


def test_a_date_that_is_none_is_refused():
    """A setting that cannot be read names the variable and the right form."""
    with pytest.raises(InvalidSetting, match=r"REGULARS_AS_OF is not a date\. Write it as"):
        read_settings({"REGULARS_AS_OF": "31.10.2026"})


def test_secrets_are_not_in_the_representation():
    """Printing the settings shows no token."""
    shown = repr(read_settings({"REGULARS_KLAVIYO_API_KEY": "very-secret"}))

    assert "very-secret" not in shown
