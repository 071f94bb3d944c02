"""Give every destination one shape: pure functions around requests and their answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import orjson

from activation.destinations.capabilities import Capabilities
from activation.destinations.layout import Layout
from activation.errors import ActivationError

Operation = Literal["upsert", "remove"]


@dataclass(frozen=True)
class Target:
    """A list, audience, topic or file at the platform."""

    identifier: str
    name: str


class Document(Mapping[str, Any]):
    """The values of a row as the JSON text that the warehouse made, parsed when they are asked for.

    Sent as it is, the text keeps every digit and costs nothing. Its representation hides it.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __getitem__(self, name: str) -> Any:
        """Return one value."""
        return self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all values."""
        return iter(self._parsed())

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._parsed())

    def __repr__(self) -> str:
        return f"Document({len(self.text)} characters)"

    def _parsed(self) -> dict[str, Any]:
        values: dict[str, Any] = orjson.loads(self.text)
        return values


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


@dataclass(frozen=True, repr=False)
class Written:
    """Rows as the texts that stand for them in a request, made by the warehouse, apart by commas.

    `numbers` are theirs, in order; the `longest` text has so many bytes. `others` are rows that the
    warehouse could not write. The representation hides the texts.
    """

    numbers: tuple[int, ...]
    texts: bytes
    longest: int
    others: Sequence[Row] = ()

    def __repr__(self) -> str:
        return f"Written({len(self.numbers)} rows, {len(self.texts)} bytes)"


@dataclass(frozen=True)
class Batch:
    """Rows of one operation for one target, with the purposes the gate has found allowed.

    With `is_erasure` the persons of a removal are to be deleted, not only taken off the target.
    `written` are the same rows as texts, for a destination that sends them so.
    """

    operation: Operation
    rows: Sequence[Row]
    target: Target
    purposes: frozenset[str] = frozenset()
    run_id: str = ""
    layout: Layout = field(default_factory=Layout)
    is_erasure: bool = False
    written: Written | None = None


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
class Counted:
    """How many members the platform says a target has; `most` is None when it does not say."""

    least: int
    most: int | None


@dataclass(frozen=True)
class Stop:
    """End the run with an error."""

    error: ActivationError


Outcome = Settled | FollowUp | Retry | Narrow | Found | Listed | Counted | Stop


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
