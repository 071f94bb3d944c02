"""Write the call centre's contacts, typed by clerks on local time."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop.accounts import Records, described, states
from sandbox.shop.block import Block
from sandbox.shop.calendar import local_micros, utc_day, utc_micros
from sandbox.shop.contacts import Details, Form
from sandbox.shop.draws import Integers
from sandbox.shop.pools import INDUSTRIES, JOB_TITLES
from sandbox.shop.rows import Rows, superseding
from sandbox.shop.text import emptied, numbered, picked, texts, timestamps

FORM = Form("contact", 0.75, insists_on_phone=True)
PLACEHOLDERS = ("unbekannt@shop.example", "keine@angabe.example")


def contact_rows(block: Block) -> tuple[Rows, Records, Details]:
    """Write crm.contacts, one row per contact and change; exports arrive on the next day."""
    records = states(block, "contact", 0.6)
    details = without_numbers(block, records, described(block, FORM, records))
    person, is_business = records.person, block.people.is_business[records.person]
    columns = {
        "contact_id": numbered("K", records.keys, 32),
        **details.columns,
        "company": emptied(picked(block.contacts.companies, person), is_business),
        "job_title": picked(texts(JOB_TITLES), np.where(is_business, person % len(JOB_TITLES), -1)),
        "industry": picked(texts(INDUSTRIES), industry(block, person, is_business)),
        "company_size": company_size(block, person),
        "created_at": timestamps(local_micros(records.created)),
        "updated_at": timestamps(local_micros(records.since)),
    }
    is_placeholder = block.draws.happens(
        "placeholder", records.keys, block.parameters.placeholder_share
    )
    columns["email"] = with_placeholders(columns["email"], is_placeholder, records)
    micros = utc_micros(records.since)
    arrived = utc_day(micros) + 1
    superseded = superseding(records.keys, micros, arrived)
    return Rows(("crm", "contacts"), columns, arrived, superseded), records, details


def without_numbers(block: Block, records: Records, details: Details) -> Details:
    """Empty telephone and e-mail of those who only leave an address to write to."""
    leaves = ~block.reached_by_post(records.keys)
    told = {name: emptied(details.columns[name], leaves) for name in ("email", "phone")}
    slot = np.where(leaves, details.email_slot, -1)
    return Details(details.columns | told, slot, details.has_name_variant)


def with_placeholders(email: pa.Array, is_placeholder: np.ndarray, records: Records) -> pa.Array:
    """Replace addresses by what clerks type when they have none."""
    choice = (records.keys % np.uint64(2)).astype(np.int64)
    return pc.if_else(pa.array(is_placeholder), picked(texts(PLACEHOLDERS), choice), email)


def industry(block: Block, person: Integers, is_business: np.ndarray) -> Integers:
    """Return the industry of business customers, which their company's name tells."""
    return np.where(is_business, block.people.number[person] % len(INDUSTRIES), -1)


def company_size(block: Block, person: Integers) -> pa.Array:
    """Return the number of employees of business customers."""
    size = np.exp(2.2 + 1.3 * block.draws.normal("company size", block.people.keys[person]))
    return pa.array(size.astype(np.int64) + 1, mask=~block.people.is_business[person])
