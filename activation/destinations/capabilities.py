"""What a destination can do, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Surface:
    """One kind of thing a destination keeps in step.

    `mirror` is `diff` when only changes are sent, `replace` when the whole set is written anew.
    `resends_unknown` says that sending twice is the same as sending once, so that a row without an
    answer is sent again; a message is not, and waits for a person. A delivered `message` is never
    sent again under its key, and cannot be taken back. A surface may know only some `fields`, need
    some, and be for one `channel` alone.
    """

    kind: Literal["membership", "row", "message"]
    mirror: Literal["diff", "replace"] = "diff"
    resends_unknown: bool = True
    fields: frozenset[str] = frozenset()
    needs_fields: frozenset[str] = frozenset()
    channel: str = ""


@dataclass(frozen=True)
class BatchLimits:
    """The most one chunk of rows and one request may hold; bytes count the encoded body."""

    upsert_rows: int
    removal_rows: int
    request_bytes: int = 5_000_000


@dataclass(frozen=True)
class Rate:
    """Requests the platform allows: per second in a burst, per minute in the long run."""

    burst_per_second: float
    steady_per_minute: float


@dataclass(frozen=True)
class Polling:
    """How often to ask for a job's end, in seconds; after `patience` its rows count as unknown."""

    first: float = 0.1
    factor: float = 1.6
    longest: float = 10.0
    patience: float = 900.0


@dataclass(frozen=True)
class Capabilities:
    """What a destination can do, as data.

    `identities` are the fields (or groups of fields) by which the platform knows a person; a value
    of one of them that no desired row uses any more must be removed there. `keeps_rows` says that a
    changed row sent again stands beside its former self, which must be removed first.
    `folds_gmail` says that variants of a Gmail address are one identity. `follow_ups` names the
    requests that usually follow one of a kind. `removal_fields` are others a removal needs to
    express an identity. `addresses` says which field carries the value of which kind of contact
    point; `reserved` columns are the destination's own, or would carry an address past the gate.
    `normaliser` is a name and a version: a new version sends every row again. `is_keyed` says that
    a row is known by the sync's own key. `needs_fields` are columns no model may lack.
    `erases` says that whoever left a target is still a contact of the account, and that a removal
    with `is_erasure` deletes them there for good.
    `own_addresses` says that a request's path is a whole address out of its row, so that one nobody
    answers at says nothing about the others. `sends_text` says that the values of a row are sent as
    the JSON text they are in the plan.
    """

    name: str
    surfaces: Mapping[str, Surface]
    fields: frozenset[str]
    identities: tuple[tuple[str, ...], ...]
    batch: BatchLimits
    normaliser: str
    removal_fields: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)
    rate: Rate = Rate(50, 3000)
    step_rates: Mapping[str, Rate] = field(default_factory=dict)
    follow_ups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    polling: Polling = Polling()
    in_flight: int = 4
    field_prefix: str | None = None
    reserved: frozenset[str] = frozenset()
    takes_any_field: bool = False
    needs_purposes: frozenset[str] = frozenset()
    needs_fields: frozenset[str] = frozenset()
    own_addresses: bool = False
    sends_text: bool = False
    needs_target: bool = True
    erases: bool = False
    keeps_rows: bool = False
    folds_gmail: bool = False
    is_keyed: bool = False
    transport: Literal["http", "database"] = "http"

    def knows_field(self, name: str) -> bool:
        """Say whether a column of this name can be sent."""
        prefixed = self.field_prefix is not None and name.startswith(self.field_prefix)
        known = self.takes_any_field or prefixed or name in self.fields
        return known and name.lower() not in self.reserved
