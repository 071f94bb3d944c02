"""Recognise identifiers of erased persons in landed rows, whatever way they are spelled."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from activation.digests import DigestKeys
from activation.tombstones import Kind, has_tombstones, is_buried, refuse_unknown_key
from orchestration.contracts import TableContract
from orchestration.ledger_keys import read_keys
from orchestration.settings import CHECKOUT, Settings
from orchestration.warehouse import Connection

# What a value of type `any` may be: a row says which, in words that each source chooses.
ANY = (
    "email", "phone", "device", "push_token", "postal_address", "shop_customer", "crm_contact",
    "loyalty_card", "mail_subscriber", "customer",
)  # fmt: skip


@dataclass(frozen=True)
class Tombstones:
    """Who was erased, and whether the amounts of their purchases stay."""

    keys: DigestKeys
    keeps_accounts: bool = True

    def is_erased(self, contract: TableContract, columns: Iterable[str]) -> str:
        """Return the condition that a row with these columns is of an erased person."""
        present = set(columns)
        kinds = [
            kind
            for name, identifier in contract.identifiers
            if name in present
            for kind in _kinds(identifier, f'cast("{name}" as varchar)')
        ]
        return is_buried(self.keys, kinds)

    def kept(self, contract: TableContract) -> frozenset[str]:
        """Return the columns of a table that stay when its person is erased; none: the row goes."""
        return contract.kept if self.keeps_accounts else frozenset()


def read_tombstones(connection: Connection, settings: Settings) -> Tombstones | None:
    """Return what to recognise erased persons by; None when nobody was erased.

    Raises UnknownKey when they were written down with a key that is not given.
    """
    if not has_tombstones(connection):
        return None
    keys = read_keys(settings)
    refuse_unknown_key(connection, keys)
    return Tombstones(keys, keeps_accounts())


def keeps_accounts() -> bool:
    """Return what the dbt project says about the purchases of erased persons."""
    project = yaml.safe_load((CHECKOUT / "dbt_project" / "dbt_project.yml").read_text())
    return bool(project["vars"]["keeps_accounts_of_erased"])


def form(kind: str, expression: str) -> str:
    """Return the SQL for the one form of an identifier that its digest is made of."""
    if kind == "email":
        return f"lower(trim({expression}))"
    if kind == "phone":
        return f"regexp_replace(replace({expression}, '(0)', ''), '[^0-9+]', '', 'g')"
    return f"trim({expression})"


def spelled(kind: str, text: str) -> str:
    """Return a value in the same form, here and now."""
    if kind == "email":
        return text.strip().lower()
    if kind == "phone":
        return re.sub("[^0-9+]", "", text.replace("(0)", ""))
    return text.strip()


def _kinds(identifier: str, expression: str) -> Iterator[Kind]:
    for kind in ANY if identifier == "any" else (identifier,):
        yield kind, form(kind, expression)
