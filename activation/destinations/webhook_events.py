"""Write what a webhook says of a row, in Python and in the warehouse, to the same letter."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from activation.destinations.base import Batch, Document, Row
from activation.destinations.row_texts import is_plain, joined
from activation.statements import literal, md5_hex


def event_text(target: str, run_id: str) -> str:
    """Return the SQL expression for the event of a row to be sent; null where Python makes it."""
    seed = orjson.dumps(["upsert", target]).decode()
    version = f"coalesce(nullif(version, ''), {literal(run_id)})"
    digest = md5_hex(
        joined(literal(f"{seed}|"), version, literal('|"'), "row_key", literal('"|'), "payload")
    )
    event = joined(
        *(literal('{"id":"row_'), digest, literal('","key":"'), "row_key"),
        *(literal('","values":'), "payload", literal("}")),
    )
    return f"case when {is_plain('row_key')} and payload is not null then {event} end"


def encoded(
    batch: Batch, rows: Iterable[Row], most_bytes: int, invalid: dict[int, str]
) -> Iterator[tuple[int, bytes]]:
    """Yield (row number, event) of rows of a batch; note those that cannot be sent in `invalid`."""
    seed = orjson.dumps([batch.operation, batch.target.name])
    for row in rows:
        event = _event(batch, row, seed)
        if not row.key:
            invalid[row.number] = "no_key"
        elif len(event) > most_bytes:
            invalid[row.number] = "too_large"
        else:
            yield row.number, event


def _event(batch: Batch, row: Row, seed: bytes) -> bytes:
    """Return what a message says of a row: its key, and its values unless it is taken out.

    Its id says nothing, and is the same for the same sending of the same values.
    """
    key = orjson.dumps(row.key)
    values = _values(row.values) if batch.operation == "upsert" else b""
    version = (row.version or batch.run_id).encode()
    said = b"%b|%b|%b|%b" % (seed, version, key, values)
    digest = hashlib.md5(said, usedforsecurity=False).hexdigest()
    told = b',"values":' + values if values else b""
    return b'{"id":"row_%b","key":%b%b}' % (digest.encode(), key, told)


def _values(values: Mapping[str, Any]) -> bytes:
    if isinstance(values, Document):
        return values.text.encode()
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
