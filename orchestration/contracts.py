"""Read the contract of every source table from the dbt source YAML."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import yaml

from activation.gate import NEWS_REASONS
from activation.spec_rules import LEFT_AUDIENCE

MEANINGS = {*NEWS_REASONS, LEFT_AUDIENCE}
NEWS_KEYS = {"means", "when", "channel", "channel_column", "purpose_column"}


class InvalidContract(ValueError):
    """The YAML of a source table leaves something open."""


@dataclass(frozen=True)
class Column:
    """A column that a source table may have; `required` ones must be there and filled.

    `identifier` is the type of identifier that its values are, `any` when a row says which.
    """

    name: str
    data_type: str
    required: bool
    description: str
    identifier: str | None = None


@dataclass(frozen=True)
class Ownership:
    """One way in which a row of a source table belongs to a person.

    Its `columns` are equal to those of: the source record `record` (shop/orders), which is of a
    person; the source table `parent`, whose rows belong to people in turn; or the mart `mart`,
    which has a customer_id. With `staged` it is the row as that staging model spells it.
    """

    columns: Mapping[str, str]
    record: str | None = None
    parent: str | None = None
    mart: str | None = None
    staged: str | None = None


@dataclass(frozen=True)
class Retention:
    """How long rows of a source table are kept: its category's clock, from a moment in `column`.

    Rows count as due only where a column has one of the values in `only`. Of rows that are equal
    in `ends_of` the first and the last stay. `is_counted_only`: a person decides about them.
    """

    category: str
    column: str
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ends_of: tuple[str, ...] = ()
    is_counted_only: bool = False


@dataclass(frozen=True)
class News:
    """What a row says to the gate that landed after the models were built.

    Its person may not be contacted for the reason it `means`, or has left an audience. It says so
    where each column of `when` has one of the values (in lower case), is `filled` or is `empty`.
    It counts for one `channel` or for the one in `channel_column`, and for the purpose in
    `purpose_column`; none is all of them.
    """

    means: str
    when: Mapping[str, tuple[str, ...] | str]
    channel: str | None = None
    channel_column: str | None = None
    purpose_column: str | None = None


@dataclass(frozen=True)
class TableContract:
    """What a landed file of one source table looks like, and whose its rows are.

    No ownership at all: the table is about nobody, such as a price list. `kept` are the columns of
    a purchase that the books need and that stay, of nobody any more, when its person is erased.
    Without `retention` rows are kept as long as the person is a customer.
    """

    source: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    ownerships: tuple[Ownership, ...] = field(default=())
    kept: frozenset[str] = frozenset()
    retention: Retention | None = None
    news: tuple[News, ...] = ()

    @property
    def label(self) -> str:
        """Name as written in paths and messages, e.g. shop/orders."""
        return f"{self.source}/{self.name}"

    @property
    def relation(self) -> str:
        """Name of the raw table, e.g. raw.shop__orders."""
        return f"raw.{self.source}__{self.name}"

    @property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """Return the columns that hold identifiers, each with the type."""
        return tuple((c.name, c.identifier) for c in self.columns if c.identifier)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def header_problems(self, header: Iterable[str]) -> tuple[str, ...]:
        """Say what is wrong with a file's column names; each sentence ends in a remedy.

        A required column must be there. An unknown column that looks like a missing one is a
        typing error, not an extra: silently losing an e-mail column would do harm.
        """
        present = [name.strip().lower() for name in header]
        unknown = [name for name in present if name not in self.column_names]
        absent = [column for column in self.columns if column.name not in present]
        problems = []
        for column in absent:
            close = get_close_matches(column.name, unknown, n=1, cutoff=0.8)
            if close:
                problems.append(f"column '{close[0]}' is not known. Rename it to '{column.name}'.")
            elif column.required:
                problems.append(
                    f"column '{column.name}' ({column.data_type}) is missing. "
                    f"Add it: {column.description or 'see the source description'}."
                )
        return tuple(problems)


def read_contracts(dbt_project: Path) -> dict[str, TableContract]:
    """Return the contracts of all landed tables by label, e.g. `shop/orders`.

    Raises InvalidContract when a table does not say whose its rows are.
    """
    contracts = {}
    for path in sorted((dbt_project / "models" / "staging").rglob("*__sources.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                meta = table.get("config", {}).get("meta", {})
                if "key" in meta:
                    contract = _contract(source["name"], table, meta)
                    contracts[contract.label] = contract
    return contracts


def _contract(source: str, table: dict, meta: dict) -> TableContract:  # type: ignore[type-arg]
    columns = tuple(_column(column) for column in table["columns"])
    if "person" not in meta:
        msg = (
            f"{source}/{table['name']} does not say whose its rows are. Add config.meta.person to "
            f"{source}__sources.yml: how a row belongs to a person, or nobody."
        )
        raise InvalidContract(msg)
    stated = [] if meta["person"] == "nobody" else meta["person"]
    ownerships = tuple(_ownership(one) for one in stated)
    kept = frozenset(meta.get("kept_when_erased", ()))
    needed = {*meta["key"], *(column.name for column in columns if column.required)}
    if kept and not needed <= kept:
        msg = (
            f"{source}/{table['name']} keeps rows of erased persons without "
            f"{', '.join(sorted(needed - kept))}. Add it to kept_when_erased in "
            f"{source}__sources.yml."
        )
        raise InvalidContract(msg)
    retention = _retention(f"{source}/{table['name']}", table, meta)
    news = _news(f"{source}/{table['name']}", columns, meta.get("news", ()))
    key = tuple(meta["key"])
    return TableContract(source, table["name"], key, columns, ownerships, kept, retention, news)


def _news(label: str, columns: tuple[Column, ...], stated: list) -> tuple[News, ...]:  # type: ignore[type-arg]
    """Read what rows of a table say to the gate."""
    names, found = {column.name for column in columns}, []
    for one in stated:
        when = {
            name: values if values in ("filled", "empty") else tuple(values)
            for name, values in (one.get("when") or {}).items()
        }
        used = {*when, one.get("channel_column"), one.get("purpose_column")} - {None}
        if one.get("means") not in MEANINGS or used - names or one.keys() - NEWS_KEYS:
            msg = (
                f"{label}: its news need a meaning ({', '.join(sorted(MEANINGS))}) and columns of "
                "its own. Mend config.meta.news."
            )
            raise InvalidContract(msg)
        found.append(News(**{**one, "when": when}))
    return tuple(found)


def _retention(label: str, table: dict, meta: dict) -> Retention | None:  # type: ignore[type-arg]
    """Read the clock of a table; it runs from the column that is its `event_time`."""
    stated = meta.get("retention")
    if not stated:
        return None
    names = [column["name"] for column in table["columns"]]
    times = [
        column["name"]
        for column in table["columns"]
        if column.get("config", {}).get("meta", {}).get("event_time")
    ]
    only = {name: tuple(values) for name, values in (stated.get("only") or {}).items()}
    ends_of = tuple(stated.get("ends_of") or ())
    unknown = {*only, *ends_of} - set(names)
    if not times or unknown or "category" not in stated:
        msg = (
            f"{label}: its retention needs a category, a column that is event_time, and columns of "
            "its own. Mend config.meta.retention."
        )
        raise InvalidContract(msg)
    counted = bool(stated.get("counted_only"))
    return Retention(stated["category"], times[0], only, ends_of, counted)


def _column(stated: dict) -> Column:  # type: ignore[type-arg]
    meta = stated.get("config", {}).get("meta", {})
    return Column(
        name=stated["name"],
        data_type=stated["data_type"],
        required=bool(meta.get("required")),
        description=stated.get("description", ""),
        identifier=meta.get("identifier"),
    )


def _ownership(stated: dict) -> Ownership:  # type: ignore[type-arg]
    columns = stated.get("columns") or {stated["column"]: stated["column"]}
    return Ownership(
        columns=columns,
        record=stated.get("record"),
        parent=stated.get("of"),
        mart=stated.get("mart"),
        staged=stated.get("staged"),
    )
