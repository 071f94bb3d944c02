"""Write the web shop's accounts, one row per account and change of address."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop.block import Block
from sandbox.shop.calendar import utc_day, utc_micros
from sandbox.shop.contacts import LANGUAGE_OF_PLACE, Details, Form
from sandbox.shop.draws import Floats, Integers, Keys
from sandbox.shop.orders import STAFF_ACCOUNTS, STAFF_EMAIL
from sandbox.shop.rows import NOT_SUPERSEDED, Rows, concatenated, superseding
from sandbox.shop.schema import TABLES
from sandbox.shop.text import emptied, picked, timestamps

FORM = Form("account")


@dataclass(frozen=True)
class Records:
    """States of records of one silo: whose, first or second, created when, in force since when."""

    person: Integers
    copy: Integers
    created: Floats
    since: Floats
    keys: Keys


def states(block: Block, silo: str, share: float = 0.8) -> Records:
    """List all records of a silo with their changes: new mail address, new postal address.

    Only a share of the changes is told to the silo; it learns of them some days later.
    """
    person, copy, created = block.memberships.records(silo, block.seen)
    keys = block.record_keys(person, copy)
    parts = [(np.arange(len(person)), created)]
    for name, moment in (("mail", block.people.email_changed), ("move", block.people.moved)):
        told = moment[person] + block.draws.between(f"{silo}/{name}/told", keys, 0.1, 30.0)
        is_told = block.draws.happens(f"{silo}/{name}", keys, share)
        known = np.flatnonzero(is_told & (told > created) & (told < block.seen))
        parts.append((known, told[known]))
    row = np.concatenate([part[0] for part in parts])
    since = np.concatenate([part[1] for part in parts])
    return Records(person[row], copy[row], created[row], since, keys[row])


def described(block: Block, form: Form, records: Records) -> Details:
    """Fill the contact columns; whoever has a second record leaves a phone on both."""
    details = block.contacts.details(form, records.person, records.since, records.keys)
    is_doubled = block.people.is_duplicated[records.person]
    phone = block.contacts.phone(form.name, records.person, records.since, records.keys, is_doubled)
    columns = details.columns | {"phone": pc.coalesce(details.columns["phone"], phone)}
    return Details(columns, details.email_slot, details.has_name_variant)


def account_rows(block: Block) -> tuple[Rows, Records, Details]:
    """Write shop.customers with its records and details; block 0 brings the staff accounts."""
    records = states(block, "account")
    details = described(block, FORM, records)
    micros = utc_micros(records.since)
    company = emptied(
        picked(block.contacts.companies, records.person), block.people.is_business[records.person]
    )
    place = block.contacts.place(records.person, records.since)
    columns = {
        "customer_id": picked(block.account_ids, 2 * records.person + records.copy),
        **details.columns,
        "language": picked(LANGUAGE_OF_PLACE, place),
        "company": company,
        "created_at": timestamps(utc_micros(records.created)),
        "updated_at": timestamps(micros),
        "is_test": pa.array(np.zeros(len(micros), dtype=bool)),
    }
    arrived = utc_day(micros)
    superseded = superseding(records.keys, micros, arrived)
    rows = Rows(("shop", "customers"), columns, arrived, superseded)
    return (with_staff(rows, block) if block.number == 0 else rows), records, details


def with_staff(rows: Rows, block: Block) -> Rows:
    """Add the accounts that staff use for tests."""
    count = len(STAFF_ACCOUNTS)
    opened = np.full(count, block.calendar.start)
    moment = timestamps(utc_micros(opened.astype(np.float64)))
    known = {
        "customer_id": STAFF_ACCOUNTS,
        "email": picked(STAFF_EMAIL, np.zeros(count, dtype=np.int64)),
        "created_at": moment,
        "updated_at": moment,
        "is_test": pa.array(np.ones(count, dtype=bool)),
    }
    types = TABLES[rows.table]
    staff = {name: known.get(name, pa.nulls(count, types[name])) for name in rows.columns}
    return Rows(
        rows.table,
        concatenated([rows.columns, staff]),
        np.concatenate([rows.arrived, opened]),
        np.concatenate([rows.superseded, np.full(count, NOT_SUPERSEDED)]),
    )
