"""Tests of generating and continuing a shop."""

import json
from datetime import date
from pathlib import Path

import pytest

from sandbox.shop import LandingError, ParameterError, ShopParameters, generate
from sandbox.shop.calendar import day_number
from sandbox.shop.landing import Landing
from sandbox.shop.simulation import Task
from sandbox.shop.world import World

CONNECTED = date(2026, 9, 1)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_seed_gives_the_same_bytes(tiny, tmp_path):
    """Two runs with the same seed write identical files, truth included."""
    generate(tmp_path / "landing", tmp_path / "truth", size="tiny", seed=7)

    assert contents(tmp_path / "landing") == contents(tiny.landing)
    assert contents(tmp_path / "truth") == contents(tiny.truth)


def test_another_seed_gives_another_world(tiny, tmp_path):
    """The seed changes what is landed."""
    generate(tmp_path / "landing", tmp_path / "truth", size="tiny", seed=8)

    ours, theirs = contents(tmp_path / "landing"), contents(tiny.landing)
    assert not [name for name in ours if name.endswith("csv") and ours[name] == theirs.get(name)]


def test_continuing_equals_generating_at_once(tmp_path):
    """A world continued in two steps holds the same bytes as one generated in one step."""
    options = {"size": "tiny", "seed": 5, "connected_on": CONNECTED}
    steps, once = tmp_path / "steps", tmp_path / "once"
    for until in (date(2026, 9, 20), date(2026, 9, 21), date(2026, 10, 25)):
        generate(steps / "landing", steps / "truth", until=until, **options)
    generate(once / "landing", once / "truth", until=date(2026, 10, 25), **options)

    assert contents(steps) == contents(once)


def test_continuing_leaves_earlier_partitions_alone(tmp_path):
    """A continuation only adds partitions of later days, and remembers the connection day."""
    landing = tmp_path / "landing"
    generate(landing, tmp_path / "truth", size="tiny", until=date(2026, 10, 10))
    before = contents(landing)
    summary = generate(landing, tmp_path / "truth", size="tiny", until=date(2026, 10, 12))
    after = contents(landing)

    added = [name for name in after if name not in before]
    assert summary.connected_on == date(2026, 9, 10)
    assert summary.count_rows_added > 0
    assert {name.split("arrived_on=")[1][:10] for name in added} == {"2026-10-11", "2026-10-12"}
    assert all(after[name] == before[name] for name in before if name != "manifest.json")


def test_an_interrupted_continuation_is_finished_by_the_next(tmp_path):
    """After a stop half-way the next run completes the same bytes and refuses to go back."""
    options = {"size": "tiny", "connected_on": CONNECTED}
    stopped, once = tmp_path / "stopped", tmp_path / "once"
    generate(stopped / "landing", stopped / "truth", until=date(2026, 9, 10), **options)
    with pytest.raises(KeyboardInterrupt):
        generate(
            stopped / "landing",
            stopped / "truth",
            until=date(2026, 9, 30),
            progress=interrupted,
            **options,
        )
    with pytest.raises(LandingError, match="until 2026-09-30"):
        generate(stopped / "landing", stopped / "truth", until=date(2026, 9, 10), **options)
    generate(stopped / "landing", stopped / "truth", until=date(2026, 9, 30), **options)
    generate(once / "landing", once / "truth", until=date(2026, 9, 30), **options)

    assert contents(stopped) == contents(once)


def interrupted(step: str, done: int, total: int) -> None:
    """Stop the run that reports here."""
    raise KeyboardInterrupt


def test_a_second_run_adds_nothing(tiny):
    """Generating what is already there writes no row and still reports what there is."""
    again = generate(tiny.landing, tiny.truth, size="tiny", seed=7)

    assert again.count_rows_added == 0
    assert again.rows == tiny.summary.rows


def test_processes_write_what_one_process_writes(tmp_path):
    """A world of several blocks, run by several processes, equals its blocks run one by one."""
    until = date(2023, 1, 31)
    many, one = tmp_path / "many", tmp_path / "one"
    generate(many / "landing", many / "truth", size="reference", until=until)
    world = World("reference", 1, ShopParameters())
    connected = day_number(until) - 30
    landing = Landing(one / "landing", connected, connected, day_number(until) + 1)
    for number in range(world.blocks):
        Task(world, until, landing, one / "truth", is_continued=False).run(number)

    assert world.blocks > 2
    assert contents(many / "truth") == contents(one / "truth")
    assert contents(one / "landing").items() <= contents(many / "landing").items()


def test_manifest_says_what_the_folder_holds(tiny):
    """The manifest names shop, seed, size, last day, connection day and all parameters."""
    manifest = json.loads((tiny.landing / "manifest.json").read_text())

    assert manifest["shop"] == "simulated"
    assert (manifest["seed"], manifest["size"]) == (7, "tiny")
    assert (manifest["until"], manifest["connected_on"]) == ("2026-10-31", "2026-10-01")
    assert manifest["parameters"]["second_purchase_share"] == 0.40


def test_progress_counts_blocks(tmp_path):
    """The progress callback is told the step, the blocks done and all blocks."""
    calls = []
    generate(
        tmp_path / "landing",
        tmp_path / "truth",
        size="tiny",
        progress=lambda *call: calls.append(call),
    )

    assert calls == [("simulate the shop", 1, 1)]


def test_another_world_replaces_a_simulated_one(tmp_path):
    """A folder that a simulation wrote is emptied for another world."""
    landing = tmp_path / "landing"
    generate(landing, tmp_path / "truth", size="tiny", seed=1)
    generate(landing, tmp_path / "truth", size="tiny", seed=2, until=date(2025, 10, 31))

    assert not list(landing.rglob("arrived_on=2026*"))


def test_foreign_files_are_not_touched(tmp_path):
    """A folder with files of somebody else is refused and kept."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "orders.csv").write_text("order_id\n1\n")

    with pytest.raises(LandingError, match="Choose another folder"):
        generate(tmp_path / "landing", tmp_path / "truth", size="tiny")
    assert (tmp_path / "landing" / "orders.csv").exists()


def test_time_does_not_run_backwards(tiny):
    """A world cannot be taken back to an earlier day."""
    with pytest.raises(LandingError, match="until 2026-10-31"):
        generate(tiny.landing, tiny.truth, size="tiny", seed=7, until=date(2026, 10, 1))


@pytest.mark.parametrize("until", [date(2020, 1, 1), date(2030, 1, 1)])
def test_a_day_outside_the_world_is_refused(tmp_path, until):
    """A day before the opening or after the horizon names the days that are possible."""
    with pytest.raises(ParameterError, match="Choose a day from 2022-12-30 to 2028-10-31"):
        generate(tmp_path / "landing", tmp_path / "truth", size="tiny", until=until)


def test_an_unknown_size_is_refused(tmp_path):
    """An unknown size names the known ones."""
    with pytest.raises(ParameterError, match="tiny, demo, reference, load"):
        generate(tmp_path / "landing", tmp_path / "truth", size="huge")
