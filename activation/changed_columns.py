"""Name the columns in which a row differs from what is held of it."""

from activation.digests import PIECE
from activation.rows import field_names
from activation.spec import SyncSpec
from activation.statements import literal

MAPPING_CHANGED = "mapping"
"""Stands for all columns of a row that was sent with others, or digested with another key."""


def changed_columns(spec: SyncSpec) -> str:
    """Return the expression for the names of the columns whose digits differ, after commas.

    The relation `touched` has `action`, `is_renamed`, `has_pieces`, `pieces` and `held_pieces`.
    """
    parts = [f"case when touched.is_renamed then {literal(spec.key + ',')} else '' end"]
    for number, name in enumerate(field_names(spec)):
        now, before = (
            f"substr({pieces}, {1 + number * PIECE}, {PIECE})"
            for pieces in ("touched.pieces", "touched.held_pieces")
        )
        parts.append(f"case when {now} <> {before} then {literal(name + ',')} else '' end")
    return (
        "case when touched.action <> 'change' then null"
        f" when not touched.has_pieces then {literal(MAPPING_CHANGED)}"
        f" else {' || '.join(parts)} end"
    )
