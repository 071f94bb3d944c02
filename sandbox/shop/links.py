"""Link every landed record to the person it belongs to, and say what is wrong with it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.shop.accounts import Records
from sandbox.shop.block import Block, device_names
from sandbox.shop.contacts import ALIAS, CHANGED, MISTYPED, Details
from sandbox.shop.draws import Flags, Floats, Integers
from sandbox.shop.incidents import Cases
from sandbox.shop.mail import Subscribers
from sandbox.shop.orders import TEST, Orders
from sandbox.shop.push import Tokens
from sandbox.shop.store import Receipts
from sandbox.shop.subscriptions import Contracts
from sandbox.shop.text import constant, numbered, picked
from sandbox.shop.truth import person_names
from sandbox.shop.visits import Visits


@dataclass(frozen=True)
class Links:
    """Which records of one landed table belong to whom, and what is wrong with them."""

    source: str
    table: str
    keys: pa.Array
    person: Integers
    moment: Floats
    details: Details | None = None
    is_duplicate: Flags | None = None
    is_identifiable: Flags | None = None
    is_postal: Flags | None = None

    def columns(self, block: Block) -> pa.Table:
        """Return the rows of truth.record_link whose record came into being before the cut."""
        count = len(self.person)
        nothing, everything = np.zeros(count, dtype=bool), np.ones(count, dtype=bool)
        slot = nothing * 0 if self.details is None else self.details.email_slot
        variant = nothing if self.details is None else self.details.has_name_variant
        table = pa.table(
            {
                "source": constant(self.source, count),
                "table_name": constant(self.table, count),
                "record_key": self.keys,
                "person_id": person_names(block, self.person),
                "is_identifiable": pa.array(
                    everything if self.is_identifiable is None else self.is_identifiable
                ),
                "is_duplicate": pa.array(
                    nothing if self.is_duplicate is None else self.is_duplicate
                ),
                "is_postal_only": pa.array(nothing if self.is_postal is None else self.is_postal),
                "has_email_typo": pa.array(slot == MISTYPED),
                "has_email_alias": pa.array(slot == ALIAS),
                "has_changed_email": pa.array(slot == CHANGED),
                "has_name_variant": pa.array(variant),
            }
        )
        return table.filter(pa.array(self.moment < block.calendar.cut + 1))


def record_links(
    block: Block, ids: pa.Array, source: str, table: str, records: Records, details: Details
) -> Links:
    """Link the first state of every record of a silo."""
    first = np.flatnonzero(records.since == records.created)
    chosen = Details({}, details.email_slot[first], details.has_name_variant[first])
    copy = records.copy[first]
    keys = picked(ids, 2 * records.person[first] + copy)
    person, created = records.person[first], records.created[first]
    return Links(source, table, keys, person, created, chosen, copy > 0)


def contact_links(records: Records, details: Details, is_postal: Flags) -> Links:
    """Link the contacts of the call centre; some are known by their postal address alone."""
    first = np.flatnonzero(records.since == records.created)
    chosen = Details({}, details.email_slot[first], details.has_name_variant[first])
    return Links(
        "crm",
        "contacts",
        numbered("K", records.keys[first], 32),
        records.person[first],
        records.created[first],
        chosen,
        records.copy[first] > 0,
        is_postal=is_postal[first],
    )


def sales_links(orders: Orders, receipts: Receipts) -> list[Links]:
    """Link orders and receipts; test orders belong to nobody."""
    person = np.where(orders.kind == TEST, -1, orders.person)
    return [
        Links(
            "shop",
            "orders",
            orders.ids,
            person,
            orders.moment,
            orders.details,
            is_identifiable=orders.kind != TEST,
        ),
        Links(
            "store",
            "receipts",
            receipts.ids,
            receipts.person,
            receipts.moment,
            is_identifiable=receipts.card >= 0,
        ),
    ]


def other_links(
    block: Block, subscribers: Subscribers, tokens: Tokens, cases: Cases, visits: Visits
) -> list[Links]:
    """Link subscribers, tokens, cases and devices."""
    details = Details({}, subscribers.slot, np.zeros(len(subscribers), dtype=bool))
    device, first = np.unique(visits.device, return_index=True)
    person = visits.person[first]
    case_ids = numbered("T", cases.keys, 38)
    return [
        Links(
            "mail",
            "subscribers",
            subscribers.ids,
            subscribers.person,
            subscribers.signed_up,
            details,
            subscribers.keys % np.uint64(2) == 1,
        ),
        Links("push", "tokens", tokens.names, tokens.person, tokens.registered),
        Links("helpdesk", "cases", case_ids, cases.person, cases.opened),
        Links(
            "web",
            "devices",
            device_names(device),
            person,
            visits.start[first],
            is_identifiable=person >= 0,
        ),
    ]


def contract_links(contracts: Contracts) -> Links:
    """Link the contracts of the care subscription."""
    return Links("billing", "contracts", contracts.ids, contracts.person, contracts.created)
