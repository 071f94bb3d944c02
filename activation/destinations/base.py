"""Give every destination one shape: capabilities as data, pure functions around requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import orjson

from activation.destinations.layout import Layout
from activation.errors import ActivationError

Operation = Literal["upsert", "remove"]


@dataclass(frozen=True)
class Surface:
    """One kind of thing a destination keeps in step.

    `mirror` is `diff` when only changes are sent, `replace` when the whole set is written anew.
    `resends_unknown` says that sending twice is the same as sending once, so that a row without an
    answer is sent again; a message is not, and waits for a person. A delivered `message` is never
    sent again under its key, and cannot be taken back.
    """

    kind: Literal["membership", "row", "message"]
    mirror: Literal["diff", "replace"] = "diff"
    resends_unknown: bool = True


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
    answers at says nothing about the others.
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


@dataclass(frozen=True)
class Target:
    """A list, audience, topic or file at the platform."""

    identifier: str
    name: str


class Row(NamedTuple):
    """One planned row: its number in the plan and its plain values, which its representation hides.

    For a removal `values` are those last sent and `stale` names the identities to take away. `key`
    is the sync's own key of the row as the platform knows it. `version` is the same as long as one
    and the same sending is repeated; sent anew later, equal values have another one.
    """

    number: int
    values: Mapping[str, Any]
    stale: frozenset[str] = frozenset()
    key: str = ""
    version: str = ""

    def __repr__(self) -> str:
        return f"Row({self.number}, {len(self.values)} values)"


@dataclass(frozen=True)
class Batch:
    """Rows of one operation for one target, with the purposes the gate has found allowed.

    With `is_erasure` the persons of a removal are to be deleted, not only taken off the target.
    """

    operation: Operation
    rows: tuple[Row, ...]
    target: Target
    purposes: frozenset[str] = frozenset()
    run_id: str = ""
    layout: Layout = field(default_factory=Layout)
    is_erasure: bool = False


@dataclass(frozen=True, repr=False)
class Request:
    """One HTTP request; `rows` are the plan's row numbers it settles, `step` says what it is for.

    `context` is for the destination alone, and written down with a job; `recall` never is: it may
    hold personal values, and is None when a later run asks for the job's end. An `address` is a
    whole one that the platform named, and gets no credentials. `polls` counts how often a job has
    been asked for. The representation holds no path and no body: both may carry personal values.
    """

    step: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    rows: tuple[int, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    context: Any = None
    recall: Any = None
    address: str = ""
    polls: int = 0
    is_poll: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method} {self.step}, {len(self.rows)} rows)"


@dataclass(frozen=True, repr=False)
class Response:
    """An answer of the platform; header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"

    def document(self) -> dict[str, Any] | None:
        """Return the JSON object of the body, or None when there is none."""
        try:
            content = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return content if isinstance(content, dict) else None


@dataclass(frozen=True)
class Settled:
    """The platform has decided, as far as it ever will.

    Rows are delivered, rejected by code, or unknown by code (its own failure: try again later);
    `invalid` ones are refused for good: only other values are worth another try. `unattributed`
    counts rejections by code whose rows the platform does not name.
    """

    delivered: tuple[int, ...] = ()
    rejected: Mapping[int, str] = field(default_factory=dict)
    unknown: Mapping[int, str] = field(default_factory=dict)
    unattributed: Mapping[str, int] = field(default_factory=dict)
    invalid: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowUp:
    """More requests are needed before the rows in them are settled."""

    requests: tuple[Request, ...]
    settled: Settled = Settled()


@dataclass(frozen=True)
class Retry:
    """Send the same request again, after `after` seconds when the platform says so.

    `in_doubt` says that the platform may have done it all the same.
    """

    code: str
    after: float | None = None
    in_doubt: bool = False


@dataclass(frozen=True)
class Narrow:
    """The request failed as a whole: drop the rejected rows, or halve it when none is named."""

    code: str
    rejected: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The target exists; `is_empty` says that nothing of what was sent before is there."""

    target: Target
    is_empty: bool = False


@dataclass(frozen=True)
class Listed:
    """What the platform says it holds: the identifiers of some members, and how to ask for more."""

    members: tuple[Mapping[str, str], ...] = field(repr=False)
    following: Request | None = None


@dataclass(frozen=True)
class Stop:
    """End the run with an error."""

    error: ActivationError


Outcome = Settled | FollowUp | Retry | Narrow | Found | Listed | Stop


@dataclass(frozen=True)
class Prepared:
    """The requests of a batch, rows that cannot be sent (by code), rows that need no request."""

    requests: tuple[Request, ...] = ()
    invalid: Mapping[int, str] = field(default_factory=dict)
    settled: tuple[int, ...] = ()


class Settings(Protocol):
    """Values a destination needs, each with the environment variable it comes from."""

    ENVIRONMENT: ClassVar[Mapping[str, str]]
    REQUIRED: ClassVar[tuple[str, ...]]


class Destination(Protocol):
    """Turn batches into requests and answers into outcomes, without doing any input or output."""

    capabilities: ClassVar[Capabilities]
    settings: Any

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        ...

    @property
    def account(self) -> str:
        """Return what tells this receiving account from others; holds no secret."""
        ...

    def headers(self) -> Mapping[str, str]:
        """Return the headers of every request, credentials included."""
        ...

    def parameters(self) -> Mapping[str, str]:
        """Return the query parameters of every request, proofs included."""
        ...

    def target(self, name: str) -> Request | Target:
        """Return the target, or the first request that finds or makes it."""
        ...

    def requests(self, batch: Batch) -> Prepared:
        """Return the requests that deliver a batch, each within the platform's limits."""
        ...

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer means for the rows of its request."""
        ...
