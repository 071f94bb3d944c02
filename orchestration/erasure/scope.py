"""Say in SQL which rows are of the persons to erase: by key, by identifier, by what they tell."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from orchestration.belongings import OWNER, owned_rows
from orchestration.contracts import TableContract
from orchestration.erasure.persons import Identifier
from orchestration.erasure.sought import FUNCTION, Sought
from orchestration.tombstones import ANY, form
from orchestration.warehouse import Connection

# What stays in the books of nobody, and what is too short to be looked for in a text.
BOOKED = frozenset({"order", "contract"})
SHORTEST = 6

_OWN_KEYS = """
select key from ({ways}) as ways
group by key
having min(way) filter (where is_mine) is not null
    and coalesce(
        min(way) filter (where is_mine) < min(way) filter (where not is_mine), true
    )
"""


@dataclass(frozen=True)
class Scope:
    """The rows to erase: keys by source table, and identifiers.

    Uses two temporary tables and a function of the connection.
    """

    keys: Mapping[str, Sequence[str]]
    identifiers: tuple[Identifier, ...]

    def prepare(self, connection: Connection) -> None:
        """Put keys and identifiers where queries of this connection can look them up."""
        labelled = [(label, key) for label, keys in self.keys.items() for key in keys]
        _fill(connection, "erased_keys", ("label", "key"), labelled)
        _fill(connection, "erased_values", ("kind", "value"), self.identifiers)
        Sought(self.needles).install(connection)

    def matches(
        self, contract: TableContract, spelling: Mapping[str, str], texts: Iterable[str]
    ) -> str:
        """Return the condition that a row is of these persons.

        `spelling` gives the expression of each column that is there, in its contract's type;
        `texts` are all expressions in which an identifier may hide.
        """
        parts = []
        if set(contract.key) <= spelling.keys():
            key = key_text(spelling[name] for name in contract.key)
            label = contract.label
            parts.append(f"{key} in (select key from erased_keys where label = '{label}')")
        for name, identifier in contract.identifiers:
            if name in spelling:
                text = f"cast({spelling[name]} as varchar)"
                parts += [self._is_one(kind, text) for kind in _kinds(identifier)]
        said = ", ".join(f"cast({text} as varchar)" for text in texts)
        if said and self.needles:
            parts.append(f"{FUNCTION}(lower(concat_ws(' ', {said})))")
        return f"coalesce({' or '.join(parts)}, false)" if parts else "false"

    def _is_one(self, kind: str, expression: str) -> str:
        return (
            f"{form(kind, expression)} in (select value from erased_values where kind = '{kind}')"
        )

    @property
    def needles(self) -> tuple[Identifier, ...]:
        """Return the identifiers that can be looked for in any text, in lower case."""
        return tuple(
            sorted(
                {
                    (kind, value.lower())
                    for kind, value in self.identifiers
                    if kind not in BOOKED and len(value) >= (8 if kind == "phone" else SHORTEST)
                }
            )
        )


def key_text(expressions: Iterable[str]) -> str:
    """Return the SQL of a row's key as one text."""
    parts = ", ".join(f"trim(cast({expression} as varchar))" for expression in expressions)
    return f"concat_ws(chr(31), {parts})"


def own_keys(
    connection: Connection,
    contract: TableContract,
    contracts: Mapping[str, TableContract],
    customer_ids: Collection[str],
) -> list[str]:
    """Return the keys of a source table's rows that are of these customers and of nobody else.

    The ways to own a row are stated surest first: who is told by a surer one has it alone.
    """
    mine = ", ".join(f"'{customer_id}'" for customer_id in customer_ids)
    key = key_text(f'"{name}"' for name in contract.key)
    ways = " union all ".join(
        f"select {key} as key, {OWNER} in ({mine}) as is_mine, {number} as way from "
        f"({owned_rows(replace(contract, ownerships=(way,)), contracts)}) as owned"
        for number, way in enumerate(contract.ownerships)
    )
    found = connection.execute(_OWN_KEYS.format(ways=ways)) if ways else []
    return sorted(str(row[0]) for row in found)


def _kinds(identifier: str) -> Iterable[str]:
    return ANY if identifier == "any" else (identifier,)


def _fill(
    connection: Connection, table: str, names: tuple[str, str], rows: Sequence[tuple[str, str]]
) -> None:
    first, second = names
    connection.execute(
        f"create or replace temporary table {table} ({first} varchar, {second} varchar)"
    )
    columns = list(zip(*rows, strict=True)) or [(), ()]
    arrays = {name: pa.array(c, pa.string()) for name, c in zip(names, columns, strict=True)}
    connection.insert(table, pa.table(arrays))
