"""A step of the rebuild that fails stops no erasure, and is told."""

from contextlib import nullcontext

from orchestration.erasure import process
from orchestration.erasure.certificate import write_certificates
from orchestration.erasure.journal import Asked, Journal
from orchestration.erasure.persons import Person
from orchestration.erasure.scan import Finding, Scan
from orchestration.runs import RunResult
from orchestration.settings import read_settings

DONE = {
    "accounts": True, "tables": {}, "ledger": {}, "landing": {}, "files": {}, "receipts": [],
    "compact": 1,
}  # fmt: skip
FAILED = {"dbt": "1 models failed; the first says: a price is negative.", "activation__x": "busy"}


def rebuilt(monkeypatch, tmp_path, failures):
    """Rebuild with these failures; return the journal and what is counted."""
    monkeypatch.setattr(process, "platforms_of", lambda _: nullcontext())
    monkeypatch.setattr(process, "run_daily", lambda _: RunResult(not failures, "r", {}, failures))
    journal = Journal((Asked("r1", "asked", "2026-10-31"),), (Person(("a",), ()),), {}, {}, DONE)
    return process._rebuild(read_settings({"REGULARS_HOME": str(tmp_path)}), journal)


def test_a_failed_step_is_noted_and_not_raised(monkeypatch, tmp_path):
    """A sync that stops is not counted among what was not built."""
    journal, counts = rebuilt(monkeypatch, tmp_path, FAILED)

    assert counts == {"failed syncs": 1, "failed steps": 1}
    assert journal.steps["unbuilt"] == {"dbt": FAILED["dbt"]}


def test_the_certificate_names_what_was_not_built(monkeypatch, tmp_path):
    """And is silent where everything was."""
    told = []
    for failures in (FAILED, {}):
        journal, _ = rebuilt(monkeypatch, tmp_path, failures)
        (path,) = write_certificates(tmp_path, journal, Scan(0, 0, 0, 0, 0))
        told.append(path.read_text())

    assert "These steps failed after the rows were deleted: dbt." in told[0]
    assert "price" not in told[0]
    assert "Not built anew" not in told[1]


def test_what_is_left_is_told_with_the_failure_that_left_it():
    """Whoever reads it mends the model first."""
    scan = Scan(1, 1, 1, 1, 1, (Finding("warehouse.duckdb.staging.x", 2),))

    assert process._left(scan, {"dbt": "A price is negative."}) == (
        "The rebuild stopped at dbt: A price is negative. Something is left in 1 places:\n"
        "  warehouse.duckdb.staging.x: 2\nMend that, then: regulars erase --resume"
    )
    assert "Remove it there" in process._left(scan, {})
