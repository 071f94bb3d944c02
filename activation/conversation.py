"""Talk one batch through to its end: send, retry, follow up, drop or halve what fails."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from activation.batch_result import BatchResult
from activation.destinations.base import (
    Batch,
    Counted,
    Destination,
    FollowUp,
    Found,
    Listed,
    Narrow,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Settled,
    Stop,
    Target,
)
from activation.destinations.reach import AddressRefused
from activation.errors import (
    PlatformBusy,
    PlatformRefused,
    PlatformUnreachable,
)
from activation.pacing import Pace, Patience, jittered, poll_delay, polled_long_enough

UNREACHABLE = "unreachable"
Accept = Callable[[Request], None]


class Unanswered(Exception):
    """A request got no answer; `was_sent` says whether the platform may have seen it."""

    def __init__(self, code: str, *, was_sent: bool) -> None:
        self.code = code
        self.was_sent = was_sent
        super().__init__(code)


@dataclass
class Conversation:
    """Everything said to a platform about a run's batches; several threads may use it.

    With `resends` nothing is lost by sending a request twice. Without, one that the platform may
    have got is not repeated. `silent` are places of `own_addresses` where nobody answered.
    """

    destination: Destination
    send: Callable[[Request], Response]
    pace: Pace
    patience: Patience = field(default_factory=Patience)
    resends: bool = True
    silent: set[str] = field(default_factory=set)

    def deliver(self, batch: Batch, accept: Accept = lambda request: None) -> BatchResult:
        """Send a batch; return what became of its rows, with the error that ends the run.

        `accept` is told the first question after the end of every job the platform has accepted.
        """
        result = BatchResult()
        waiting: deque[Request] = deque()
        self._take(self.destination.requests(batch), waiting, result)
        return self._finish(batch, waiting, result, accept)

    def follow(self, poll: Request) -> BatchResult:
        """Ask for the end of a job whose batch nobody has any more."""
        result = BatchResult()
        return self._finish(None, deque([poll]), result, lambda request: None)

    def _finish(
        self, batch: Batch | None, waiting: deque[Request], result: BatchResult, accept: Accept
    ) -> BatchResult:
        narrowings = 0
        while waiting:
            request = waiting.popleft()
            outcome = self._ask(request, result)
            if isinstance(outcome, Narrow):
                narrowings += 1
                outcome = self._narrowed(outcome, request, narrowings, result)
            match outcome:
                case Narrow():
                    self._retake(batch, outcome, request, waiting, result)
                case FollowUp():
                    result.absorb(outcome.settled)
                    for job in outcome.requests:
                        if job.is_poll and job.polls == 0:
                            accept(job)
                    waiting.extendleft(reversed(outcome.requests))
                case Settled():
                    result.absorb(outcome)
                case Retry():
                    self._leave(outcome, request.rows, result)
                case Stop():
                    left = [number for item in (request, *waiting) for number in item.rows]
                    self._leave(Retry("run_stopped"), left, result)
                    result.error = outcome.error
                    return result
        return result

    def _leave(self, retry: Retry, rows: Iterable[int], result: BatchResult) -> None:
        """Give rows up for this run; a message is unknown only if the platform may have it."""
        is_unsent = not self.resends and not retry.in_doubt
        (result.unsent if is_unsent else result.unknown).update(dict.fromkeys(rows, retry.code))

    def read(self, request: Request) -> Iterator[Mapping[str, str]]:
        """Yield the identifiers of every member that the platform lists."""
        step: Request | None = request
        while step is not None:
            match self._ask(step, BatchResult()):
                case Listed(members, following):
                    yield from members
                    step = following
                case Stop(error):
                    raise error
                case _:
                    raise self._unreachable(f"no usable answer to {step.step}")

    def count(self, question: Request) -> Counted:
        """Return how many members the platform says a target has."""
        match self._ask(question, BatchResult()):
            case Counted() as counted:
                return counted
            case Stop(error):
                raise error
            case _:
                raise self._unreachable(f"no usable answer to {question.step}")

    def find_target(self, name: str) -> tuple[Target, int]:
        """Return the target at the platform, made if needed, and the requests that took."""
        found, requests = self.reach(self.destination.target(name))
        return found.target, requests

    def reach(self, step: Request | Target) -> tuple[Found, int]:
        """Ask until the target is found; return the answer and the requests that took."""
        result = BatchResult()
        while isinstance(step, Request):
            match self._ask(step, result):
                case Found() as found:
                    return found, result.requests
                case FollowUp(requests):
                    step = requests[0]
                case Stop(error):
                    raise error
                case _:
                    raise self._unreachable(f"no usable answer to {step.step}")
        return Found(step), result.requests

    def _retake(
        self,
        batch: Batch | None,
        narrow: Narrow,
        request: Request,
        waiting: deque[Request],
        result: BatchResult,
    ) -> None:
        """Send what is left of a failed request in smaller parts, if its rows are at hand."""
        if batch is None:
            left = (number for number in request.rows if number not in narrow.rejected)
            result.unknown |= dict.fromkeys(left, narrow.code)
            return
        rows = {row.number: row for row in batch.rows}
        for part in reversed(_parts(narrow, request.rows)):
            smaller = replace(batch, rows=tuple(rows[number] for number in part), written=None)
            self._take(self.destination.requests(smaller), waiting, result)

    def _take(self, prepared: Prepared, waiting: deque[Request], result: BatchResult) -> None:
        result.invalid |= prepared.invalid
        result.delivered += len(prepared.settled)
        waiting.extendleft(reversed(prepared.requests))

    def _ask(self, request: Request, result: BatchResult) -> Outcome:
        """Send one request until it is understood; a Retry comes back when patience has run out."""
        polling = self.destination.capabilities.polling
        if request.is_poll:
            if polled_long_enough(polling, request.polls):
                return Retry("still_processing", in_doubt=True)
            if self.pace.wait(poll_delay(polling, request.polls, self.patience.longest_poll)):
                return Retry("run_stopped", in_doubt=True)
        outcome = Retry("run_stopped", in_doubt=request.is_poll)
        if self.pace.closed_for() > self.patience.longest_requested_wait:
            return self._closed()
        for attempt in range(self.patience.attempts):
            if self.silent and _place(request) in self.silent:
                return Retry(UNREACHABLE)
            if self.pace.take_turn(request.step):
                return Retry("run_stopped", in_doubt=request.is_poll)
            answer = self._answer(request, result)
            if not isinstance(answer, Retry):
                self.pace.mend()
            if not isinstance(answer, Retry) or (answer.in_doubt and not self.resends):
                return answer
            outcome = answer
            stop = self._wait_after(outcome, attempt)
            if stop is not None:
                return stop
        return self._unreached(request) if outcome.code == UNREACHABLE else outcome

    def _closed(self) -> Outcome:
        """Stop at once: the platform asked for a longer wait than a run may take, or keeps failing.

        Nothing was sent.
        """
        name, seconds = self.destination.capabilities.name, self.pace.closed_for()
        msg = f"{name} may not be asked for another {seconds:.0f} s. Run the sync again after it."
        return Stop(PlatformBusy(msg))

    def _unreached(self, request: Request) -> Outcome:
        """Stop when the platform cannot be reached; of many places give up that one alone."""
        if not self.destination.capabilities.own_addresses:
            return Stop(self._unreachable("no connection"))
        self.silent.add(_place(request))
        return Retry(UNREACHABLE)

    def _answer(self, request: Request, result: BatchResult) -> Outcome:
        result.requests += 1
        try:
            response = self.send(request)
        except Unanswered as unanswered:
            sent = unanswered.was_sent
            return Retry(unanswered.code if sent else UNREACHABLE, in_doubt=sent)
        except AddressRefused as refused:
            return self._refused_address(request, refused)
        return self.destination.classify(request, response)

    def _refused_address(self, request: Request, refused: AddressRefused) -> Outcome:
        capabilities = self.destination.capabilities
        if capabilities.own_addresses:
            return Settled(rejected=dict.fromkeys(request.rows, refused.code))
        msg = f"{capabilities.name}: {refused.reason}. Nothing was sent; set another address."
        return Stop(PlatformRefused(msg))

    def _wait_after(self, retry: Retry, attempt: int) -> Outcome | None:
        if attempt == self.patience.attempts - 1:
            return None
        if retry.after is not None and retry.after > self.patience.longest_requested_wait:
            name = self.destination.capabilities.name
            self.pace.pause(retry.after)
            msg = f"{name} asks for a wait of {retry.after:.0f} s. Run the sync again after it."
            return Stop(PlatformBusy(msg))
        if retry.after is not None:
            self.pace.pause(jittered(retry.after, most=1.0))
            return None
        stopped = self.pace.wait(jittered(self.patience.wait_after(attempt)))
        return Retry("run_stopped", in_doubt=retry.in_doubt) if stopped else None

    def _narrowed(
        self, outcome: Narrow, request: Request, narrowings: int, result: BatchResult
    ) -> Outcome:
        """Settle what a failed request names; give up when halving leads nowhere."""
        result.rejected |= outcome.rejected
        left = [number for number in request.rows if number not in outcome.rejected]
        if len(left) == 1 and not outcome.rejected:
            return Settled(rejected={left[0]: outcome.code})
        if narrowings <= self.patience.narrowings:
            return outcome if left else Settled()
        if result.delivered == 0:
            self._leave(Retry(outcome.code), list(result.rejected), result)
            result.rejected.clear()
            name = self.destination.capabilities.name
            msg = f"{name} refuses every row ({outcome.code}). Check the sync model's columns."
            return Stop(PlatformRefused(msg))
        self._leave(Retry(outcome.code), left, result)
        return Settled()

    def _unreachable(self, how: str) -> PlatformUnreachable:
        name = self.destination.capabilities.name
        variable = type(self.destination.settings).ENVIRONMENT.get("base_url", "the addresses")
        msg = f"{name}: {how}. Check {variable} and the network; the next run tries again."
        return PlatformUnreachable(msg)


def _place(request: Request) -> str:
    """Return scheme and host of a path that is a whole address, or nothing."""
    parts = urlsplit(request.path)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme else ""


def _parts(narrow: Narrow, rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the rows still to be tried: without the rejected ones, or else in halves."""
    left = tuple(number for number in rows if number not in narrow.rejected)
    if narrow.rejected:
        return [left]
    middle = len(left) // 2
    return [left[:middle], left[middle:]]
