"""Take in what lands while models and plans are under way, as far as the gate must know of it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import time

from activation.errors import NewsUnreadable
from activation.spec_rules import LEFT_AUDIENCE
from orchestration.belongings import BORNE, OWNER, owned_rows
from orchestration.contracts import News, TableContract
from orchestration.landing import LandedFile, LandingError, candidates, check_headers, inspect
from orchestration.loading import load
from orchestration.settings import Settings
from orchestration.tombstones import form, read_tombstones
from orchestration.warehouse import Connection

# Whoever copies a file into the landing folder may be at it still.
SETTLED_SECONDS = 1.0
BUILT = ("privacy", "landed_files")

_UNREAD = """
create or replace temporary table unread_files as
select loaded.file, loaded.source || '/' || loaded.table_name as label
from raw.loaded_files as loaded
{known}
"""
_NOT_BUILT = """
where not exists (
    select 1 from privacy.landed_files as built
    where
        built.file = loaded.file
        and built.bytes = loaded.bytes
        and built.modified_ns = loaded.modified_ns
)
"""
_NEWS = """
create or replace table raw.landed_news as
with said as (
    {said}
),
who as (
    select
        customer_id,
        kind,
        case kind
            when 'email' then lower(value)
            when 'phone' then right(regexp_replace(value, '[^0-9]', '', 'g'), 8)
            else value
        end as value
    from ({borne}) as borne
    where customer_id is not null and kind is not null
),
named as (
    select who.customer_id, said.reason, said.channel, said.purpose, said.source_table
    from said
    inner join who
        on
            who.value = said.value
            and (
                who.kind = said.kind
                or (said.kind = 'any' and who.kind not in ('email', 'phone'))
            )
    {owned}
)
select distinct customer_id, reason, channel, purpose, source_table from named
"""
_NONE = """
create or replace table raw.landed_news (
    customer_id varchar, reason varchar, channel varchar, purpose varchar, source_table varchar
)
"""


@dataclass
class LandedNews:
    """Whom the gate withholds, and who left an audience, since the models were built.

    To call it takes in what has landed and says whether that was anything. Uses the temporary table
    `unread_files` of the connection, which is the one that plans and sends.
    """

    connection: Connection
    settings: Settings
    contracts: Mapping[str, TableContract]
    _is_known: bool = False
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False)

    def __call__(self) -> bool:
        """Load new files of the tables that have news; raise NewsUnreadable when one cannot be."""
        fresh = list(self._fresh())
        if fresh:
            self._load(fresh)
        if fresh or not self._is_known:
            self._is_known = True
            write_news(self.connection, self.contracts)
        return bool(fresh)

    def _fresh(self) -> Iterator[tuple[Path, str, TableContract]]:
        """Yield the files that are not loaded as they are now, and are whole."""
        if not self._seen:
            self._seen = {
                str(name): (size, modified)
                for name, size, modified in self.connection.execute(
                    "select file, bytes, modified_ns from raw.loaded_files"
                )
            }
        telling = {label: one for label, one in self.contracts.items() if one.news}
        for path, name, contract in candidates(self.settings.landing, telling):
            stat = _stat(path)
            if stat is None:
                continue
            state = (stat.st_size, stat.st_mtime_ns)
            is_whole = time() - stat.st_mtime > SETTLED_SECONDS
            if contract and is_whole and self._seen.get(name) != state:
                self._seen[name] = state
                yield path, name, contract

    def _load(self, fresh: list[tuple[Path, str, TableContract]]) -> None:
        files: tuple[LandedFile, ...] = tuple(inspect(*one) for one in fresh)
        now = datetime.now(UTC).replace(tzinfo=None)
        tombstones = read_tombstones(self.connection, self.settings)
        own = {file.contract.label: file.contract for file in files}
        try:
            check_headers(files)
            load(self.connection, own.values(), files, now, tombstones=tombstones)
        except LandingError as error:
            msg = f"Nobody knows whom this forbids to contact, so nothing more is sent. {error}"
            raise NewsUnreadable(msg) from error


def _stat(path: Path) -> os.stat_result | None:
    """Return what is known of a file; None when somebody took it away in the meantime."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def write_news(connection: Connection, contracts: Mapping[str, TableContract]) -> None:
    """Write `raw.landed_news`: what loaded rows say that the models have not read.

    It forbids what it may: whoever has said no and yes since then waits for the next build. Phone
    numbers are compared by their last eight digits, because a landed one may lack its country.
    """
    known = _NOT_BUILT if connection.table_exists(*BUILT) else ""
    connection.execute(_UNREAD.format(known=known))
    found = connection.execute("select distinct label from unread_files")
    telling = [contracts[label] for (label,) in found if label in contracts]
    said = [part for contract in telling for part in _said(contract)]
    owned = [part for contract in telling for part in _owned(contract, contracts)]
    if not said and not owned:
        connection.execute(_NONE)
        return
    statement = _NEWS.format(
        said="\n    union all\n".join(said), borne=BORNE, owned=" ".join(owned)
    )
    connection.execute(statement)


def _said(contract: TableContract) -> Iterator[str]:
    """Yield the rows of a table by what they call their person."""
    for news in contract.news:
        for name, identifier in contract.identifiers:
            for kind in ("email", "phone", "any") if identifier == "any" else (identifier,):
                value = _comparable(kind, f'cast(landed."{name}" as varchar)')
                yield (
                    f"select {value} as value, '{kind}' as kind, {_told(contract, news)}"
                    f" from {contract.relation} as landed where {_condition(contract, news)}"
                    f" and {value} <> ''"
                )


def _owned(contract: TableContract, contracts: Mapping[str, TableContract]) -> Iterator[str]:
    """Yield the rows that are known by those they belong to: an answer by its message."""
    for news in contract.news:
        for way in contract.ownerships:
            if way.parent:
                rows = owned_rows(replace(contract, ownerships=(way,)), contracts)
                yield (
                    f"union all select {OWNER}, {_told(contract, news)}"
                    f" from ({rows}) as landed where {_condition(contract, news)}"
                )


def _told(contract: TableContract, news: News) -> str:
    channel = f"'{news.channel}'" if news.channel else _lower(news.channel_column)
    return (
        f"'{news.means}' as reason, {channel} as channel,"
        f" {_lower(news.purpose_column)} as purpose, '{contract.label}' as source_table"
    )


def _condition(contract: TableContract, news: News) -> str:
    parts = ["landed._file in (select file from unread_files)"]
    for name, values in news.when.items():
        if isinstance(values, str):
            parts.append(f'landed."{name}" is {"not " if values == "filled" else ""}null')
        else:
            listed = ", ".join(f"'{value}'" for value in values)
            parts.append(f"{_lower(name)} in ({listed})")
    is_record = any(one.record == contract.label for one in contract.ownerships)
    if news.means == LEFT_AUDIENCE and is_record:
        parts.append(_is_unknown(contract))
    return " and ".join(parts)


def _is_unknown(contract: TableContract) -> str:
    """Return the condition that the models do not have this record: it did not only change."""
    key = f"concat('{contract.name}:', trim(landed.\"{contract.key[0]}\"))"
    return (
        "not exists (select 1 from intermediate.int_customers_resolved as records where"
        f" records.source = '{contract.source}' and records.source_record_key = {key})"
    )


def _lower(column: str | None) -> str:
    return f'lower(trim(landed."{column}"))' if column else "cast(null as varchar)"


def _comparable(kind: str, expression: str) -> str:
    """Return an identifier as it is compared here: a number by its last digits."""
    if kind == "phone":
        return f"right(regexp_replace({expression}, '[^0-9]', '', 'g'), 8)"
    return form(kind, expression)
