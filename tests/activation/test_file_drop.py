"""The file is whole or not there, changes only when something changed, and says what it holds."""

import csv
import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from activation.destinations.file_drop import FileDrop, FileDropSettings
from activation.errors import PlatformRefused
from activation.spec import Field
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, KLAVIYO, world_at

SCORES = replace(
    KLAVIYO,
    name="file_drop__customer_scores",
    destination="file_drop",
    surface="file",
    target="customer scores",
    purposes=("internal_reporting",),
    channel="file",
    fields=(
        Field("customer_id", "varchar"),
        Field("stage", "varchar"),
        Field("probability", "decimal(5,4)"),
    ),
    has_contact_point=False,
)


@contextmanager
def scores_at(tmp_path):
    """Open a world with the scores' sync, and its settings."""
    with world_at(tmp_path / "w.duckdb", SCORES) as world:
        yield world, FileDropSettings(str(tmp_path / "outbox"))


def score(number, **overrides):
    """Return one row of the scores."""
    return {"customer_id": f"c{number}", "stage": "active", "probability": 0.25, **overrides}


def run(world, settings, **options):
    """Run the sync."""
    return run_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, **options)


def content(tmp_path):
    """Return the file's rows and the manifest."""
    path = tmp_path / "outbox" / "customer_scores.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.reader(handle))
    manifest = json.loads(path.with_name(path.name + ".manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    return rows, manifest


def test_file_holds_every_row_and_the_manifest_describes_it(tmp_path):
    """A collector can check rows, columns and bytes."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(1), score(2, stage='said "hello", twice\nand left'), score(3)])
        summary = run(world, settings)

    rows, manifest = content(tmp_path)
    assert rows == [
        ["customer_id", "stage", "probability"],
        ["c1", "active", "0.25"],
        ["c2", 'said "hello", twice\nand left', "0.25"],
        ["c3", "active", "0.25"],
    ]
    assert manifest["rows"] == 3
    assert manifest["columns"] == ["customer_id", "stage", "probability"]
    assert (summary.added, summary.delivered, summary.requests) == (3, 3, 0)


def test_any_change_writes_the_whole_file(tmp_path):
    """Unchanged rows stand beside changed ones, leavers and erased persons are gone."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(number) for number in range(5)])
        run(world, settings)
        world.connection.execute(
            "insert into privacy.suppressions values (null, 'c3', 'all', 'erased', null)"
        )
        world.desire([score(0), score(1, stage="lapsed"), score(3), score(7)])
        summary = run(world, settings)
        again = run(world, settings)

    rows, manifest = content(tmp_path)
    assert [row[:2] for row in rows[1:]] == [["c0", "active"], ["c1", "lapsed"], ["c7", "active"]]
    assert manifest["rows"] == 3
    assert (summary.added, summary.changed, summary.removed) == (1, 1, 3)
    assert summary.blocked_by_reason == {"erased": 1}
    assert (summary.delivered, again.planned) == (5, 0)


def test_nothing_changed_writes_nothing(tmp_path):
    """The file's time stands still while its content does."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(1)])
        run(world, settings)
        path = tmp_path / "outbox" / "customer_scores.csv"
        before = path.stat().st_mtime_ns
        summary = run(world, settings)

    assert summary.planned == 0
    assert path.stat().st_mtime_ns == before


def test_lost_file_is_written_again(tmp_path):
    """The ledger is not believed when the file is gone."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(1), score(2)])
        run(world, settings)
        (tmp_path / "outbox" / "customer_scores.csv").unlink()
        summary = run(world, settings)

    assert summary.retried == 2
    assert len(content(tmp_path)[0]) == 3


def test_nothing_unfinished_is_left_behind(tmp_path):
    """Parts are renamed when they are whole."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(1)])
        run(world, settings)

    names = sorted(path.name for path in (tmp_path / "outbox").iterdir())
    assert names == ["customer_scores.csv", "customer_scores.csv.manifest.json"]


def test_failed_writing_leaves_the_old_file_and_the_rows_for_the_next_run(tmp_path):
    """A reader never sees half a file."""

    def broken():
        yield {"customer_id": "c1"}
        raise OSError(28, "No space left on device")

    drop = FileDrop(FileDropSettings(str(tmp_path)))
    drop.replace("scores", ("customer_id",), [{"customer_id": "c0"}], as_of=AS_OF)

    with pytest.raises(PlatformRefused, match="No space left"):
        drop.replace("scores", ("customer_id",), broken(), as_of=AS_OF)

    assert (tmp_path / "scores.csv").read_bytes() == b"customer_id\r\nc0\r\n"


def test_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    """The message names the variable."""
    (tmp_path / "outbox").write_text("in the way")
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(1)])

        with pytest.raises(PlatformRefused, match="REGULARS_FILE_DROP_FOLDER"):
            run(world, settings)
        (tmp_path / "outbox").unlink()
        assert run(world, settings).retried == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs", "..", "a/b", ""])
def test_file_name_never_leaves_the_folder(tmp_path, name):
    """A target is a name, not a path."""
    drop = FileDrop(FileDropSettings(str(tmp_path / "outbox")))
    drop.replace(name, ("a",), [], as_of=AS_OF)

    assert all(path.parent == tmp_path / "outbox" for path in tmp_path.rglob("*.csv"))


def test_empty_values_and_truths_have_one_text(tmp_path):
    """Null is nothing, truth is a word."""
    drop = FileDrop(FileDropSettings(str(tmp_path)))
    drop.replace("x", ("a", "b", "c"), [{"a": None, "b": True, "c": False}], as_of=AS_OF)

    assert (tmp_path / "x.csv").read_text().splitlines()[1] == ",true,false"


def test_a_paused_file_loses_nobody_but_whom_the_gate_forbids(tmp_path):
    """A file is written as a whole: those held back stay in it as they were."""
    with scores_at(tmp_path) as (world, settings):
        world.desire([score(n) for n in range(100)])
        run(world, settings)
        before, _ = content(tmp_path)
        world.desire([score(0, stage="lapsed"), *(score(n) for n in range(1, 60))])
        world.connection.execute(
            "insert into privacy.suppressions (customer_id, scope, reason) values"
            " ('c7', 'all', 'erased'), ('c77', 'all', 'erased')"
        )

        summary = run(world, settings)

    after, _ = content(tmp_path)
    assert summary.paused_because
    assert (summary.removed, summary.delivered, summary.acknowledged) == (2, 2, 98)
    assert [row for row in before if row[0] not in ("c7", "c77")] == after


def test_every_digit_of_a_long_number_is_in_the_file(tmp_path):
    """A 64-bit float keeps fifteen digits; amounts and numbers of contracts may have more."""
    fields = (
        Field("customer_id", "varchar"),
        Field("worth", "decimal(24,6)"),
        Field("contract", "decimal(38,0)"),
        Field("ratio", "double"),
    )
    spec = replace(SCORES, fields=fields)
    with world_at(tmp_path / "w.duckdb", spec) as world:
        settings = FileDropSettings(str(tmp_path / "outbox"))
        world.desire(
            [
                {"customer_id": "c1", "worth": "123456789012345678.123456", "contract": "9" * 30},
                {"customer_id": "c2", "worth": "12.5", "contract": "7", "ratio": float("nan")},
            ]
        )
        run(world, settings)

    rows, _ = content(tmp_path)
    assert rows[1:] == [
        ["c1", "123456789012345678.123456", "9" * 30, ""],
        ["c2", "12.5", "7", ""],
    ]
