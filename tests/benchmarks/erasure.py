"""Seconds to erase a hundred persons who ask on one day, and what is left of them afterwards."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import httpx

from orchestration.contracts import read_contracts
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.project import DBT_PROJECT
from orchestration.settings import read_settings
from orchestration.tombstones import read_tombstones
from orchestration.warehouse import Warehouse
from sandbox.platforms.server import running

REGULARS = Path(sys.executable).with_name("regulars")
PERSONS = 100
# Whoever a platform holds, and as many of whom none does; the same ones each time.
CHOSEN = """
with held as (select distinct customer_id from ledger.sync_rows where is_held),
ranked as (
    select
        customer_id, held.customer_id is not null as is_held,
        row_number() over (
            partition by held.customer_id is null order by md5(customers.customer_id)
        ) as turn
    from core.customers left join held using (customer_id)
)
select customer_id from ranked order by turn, is_held limit {persons}
"""
OWN = """
select distinct lower(identifier_value) from contact.customer_identities as mine
where customer_id in ({ids}) and not is_shared
    and identifier_type not in ('order', 'address') and not exists (
        select 1 from contact.customer_identities as others
        where others.customer_id not in ({ids})
            and lower(others.identifier_value) = lower(mine.identifier_value)
    )
"""
_COUNT = "select count(*) from raw.{table} where lower(trim(email)) in ({emails})"
OTHERS = ("core.customers", "core.orders", "privacy.consents", "privacy.suppressions")


def measure_erasure(size: str, folder: Path, persons: int = PERSONS) -> Iterator[dict[str, Any]]:
    """Erase persons of the shop that the road was measured with, and yield the figures.

    The shop is not as it was afterwards. Raises RuntimeError when another person's row has
    changed, or a certificate is missing.
    """
    yield from erase_some(folder / size, size, persons)


def erase_some(home: Path, size: str, persons: int) -> Iterator[dict[str, Any]]:
    """Erase persons from a state folder; the folder is not as it was afterwards."""
    ids = [one for (one,) in _query(home, CHOSEN.format(persons=persons))]
    quoted = ", ".join(f"'{one}'" for one in ids)
    words = [one for (one,) in _query(home, OWN.format(ids=quoted))]
    words += ids
    before = {table: _digest(home, table, quoted) for table in OTHERS}
    held = _held(home, words)
    stale = home / "archive" / "stale"
    shutil.copytree(home / "landing", stale)
    _ask(home, ids)
    started = time.perf_counter()
    _run(home, "erase", "--pending", "--yes")
    seconds = time.perf_counter() - started
    after = {table: _digest(home, table, quoted) for table in OTHERS}
    changed = [table for table in OTHERS if after[table] != before[table]]
    certificates = len(list((home / "erasures").glob("bench*.json")))
    if changed or certificates != len(ids):
        msg = f"{certificates} certificates of {len(ids)}; rows of others changed in {changed}"
        raise RuntimeError(msg)
    common = {"size": size, "persons": len(ids)}
    yield {"name": "erasure", "value": round(seconds, 1), "unit": "s", **common}
    yield {"name": "erasure_identifiers", "value": len(words), "unit": "identifiers", **common}
    yield {"name": "erasure_held_before", "value": held, "unit": "mentions", **common}
    left = _held(home, words)
    yield {"name": "erasure_left_at_platforms", "value": left, "unit": "mentions", **common}
    back = _loaded_back(home, stale, words)
    yield {"name": "erasure_came_back", "value": back, "unit": "rows", **common}
    shutil.rmtree(stale)


def _digest(home: Path, table: str, ids: str) -> tuple[Any, ...]:
    """Return number and digest of the rows of everybody else, in whatever order."""
    whole = f"select count(*), bit_xor(hash(row)) from {table} as row"
    return _query(home, f"{whole} where customer_id is not null and customer_id not in ({ids})")[0]


def _ask(home: Path, ids: Sequence[str]) -> None:
    folder = home / "landing/rights"
    folder.mkdir(exist_ok=True)
    rows = [f"bench{number},any,{one},2026-10-31 10:00:00" for number, one in enumerate(ids)]
    text = "\n".join(["request_id,identifier_type,identifier,requested_at", *rows])
    (folder / "erasure_requests.csv").write_text(text + "\n")


def _held(home: Path, words: Sequence[str]) -> int:
    """Return how many members of the platforms' lists name one of the persons, over HTTP."""
    hashed = {hashlib.sha256(word.encode()).hexdigest() for word in words}
    wanted, count = {*words, *hashed}, 0
    with running(home / "platforms.sqlite") as url, httpx.Client(base_url=url, timeout=60) as web:
        for vendor in ("klaviyo", "google", "meta", "fcm"):
            audiences = web.get(f"/_state/{vendor}/audiences").json()["audiences"]
            places = [one["id"] for one in audiences]
            for place in [*places, "profiles"] if vendor == "klaviyo" else places:
                told = web.get(f"/_state/{vendor}/audiences/{place}/members").json()
                count += sum(not wanted.isdisjoint(_texts(one)) for one in told["members"])
    return count


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return {text for one in value for text in _texts(one)}
    return {str(value).lower()}


def _loaded_back(home: Path, stale: Path, words: Sequence[str]) -> int:
    """Load the files of before once more and count raw rows that name an erased person by mail."""
    settings = read_settings({"REGULARS_HOME": str(home)})
    contracts = read_contracts(DBT_PROJECT)
    files, _ = discover(stale, contracts)
    emails = ", ".join("'" + word.replace("'", "''") + "'" for word in words if "@" in word)
    with Warehouse(settings.warehouse).connect() as connection:
        now = connection.execute("select max(as_of) from raw.clock")[0][0]
        tombstones = read_tombstones(connection, settings)
        load(connection, contracts.values(), files, now, tombstones=tombstones)
        return sum(
            int(connection.execute(_COUNT.format(table=table, emails=emails))[0][0])
            for table in ("shop__customers", "shop__orders", "mail__subscribers", "crm__contacts")
        )


def _run(home: Path, *arguments: str) -> str:
    environment = {**os.environ, "REGULARS_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [REGULARS, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def _query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()
