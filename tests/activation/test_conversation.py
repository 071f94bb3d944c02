"""A batch is talked through to its end, and every row of it is accounted for."""

import pytest

from activation.conversation import Conversation, Unanswered
from activation.destinations.base import Batch, Response, Row, Target
from activation.destinations.capabilities import Rate
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.errors import PlatformUnreachable, TargetMissing
from activation.pacing import Pace, Patience

ACCEPTED = Response(202, body=b'{"data":{"id":"J"}}')


class Clock:
    """A clock that moves only by waiting; may ask to stop after a while."""

    def __init__(self, stop_after=float("inf")):
        self.moment = 0.0
        self.stop_after = stop_after

    def now(self):
        return self.moment

    def wait(self, seconds):
        self.moment += seconds
        return self.moment >= self.stop_after


def talk(answer, count=4, clock=None, **patience):
    """Deliver a batch of some rows to a platform that answers in the given way."""
    clock = clock or Clock()
    rows = tuple(Row(number, {"email": f"p{number}@example.com"}) for number in range(1, count + 1))
    conversation = Conversation(
        Klaviyo(KlaviyoSettings(api_key="secret")),
        answer,
        Pace(Rate(1e6, 1e8), clock.wait, clock.now),
        Patience(**patience),
    )
    return conversation.deliver(Batch("upsert", rows, Target("L", "Win back")))


def job(status, failed=0):
    """Return the answer about an import job."""
    text = f'{{"data":{{"id":"J","attributes":{{"status":"{status}","failed_count":{failed}}}}}}}'
    return Response(200, body=text.encode())


def test_job_is_followed_to_its_end():
    """Accepted, processing, complete: three requests more than one."""
    states = iter(["queued", "processing", "complete"])

    result = talk(lambda r: ACCEPTED if r.step == "import_profiles" else job(next(states)))

    assert (result.delivered, result.requests, result.exceptions()) == (4, 4, {})


def test_a_job_at_hand_is_asked_for_more_often():
    """A run that says so waits less than the platform recommends, however often it asks."""
    states = iter(["queued"] * 5 + ["complete"])
    clock = Clock()

    result = talk(
        lambda r: ACCEPTED if r.step == "import_profiles" else job(next(states)),
        clock=clock,
        longest_poll=0.01,
    )

    assert (result.delivered, result.requests) == (4, 7)
    assert clock.moment < 0.1


def test_job_that_never_ends_leaves_rows_unknown():
    """Polling slows down and ends; the rows are tried again by the next run."""
    clock = Clock()

    result = talk(lambda r: ACCEPTED if r.step == "import_profiles" else job("queued"), clock=clock)

    assert result.exceptions() == dict.fromkeys(range(1, 5), ("unknown", "still_processing"))
    patience = Klaviyo.capabilities.polling.patience
    assert patience <= clock.moment <= 1.1 * patience
    assert result.requests < 120


def test_stop_leaves_every_row_unknown():
    """What was not decided when the run ends is in doubt."""
    result = talk(lambda r: Response(404, body=b'{"errors":[]}'))

    assert isinstance(result.error, TargetMissing)
    assert result.exceptions() == dict.fromkeys(range(1, 5), ("unknown", "run_stopped"))


def test_run_being_stopped_ends_waiting():
    """A batch that waits for its turn or its job gives way."""
    result = talk(
        lambda r: ACCEPTED if r.step == "import_profiles" else job("queued"),
        clock=Clock(stop_after=30.0),
    )

    assert set(result.exceptions().values()) == {("unknown", "run_stopped")}


def test_no_connection_is_an_error_after_all_attempts():
    """Nothing reached the platform, and the next run tries again."""
    asked = []

    def answer(request):
        asked.append(request)
        raise Unanswered("no_connection", was_sent=False)

    result = talk(answer, attempts=3)

    assert isinstance(result.error, PlatformUnreachable)
    assert len(asked) == 3


def test_lost_answers_leave_rows_unknown():
    """The platform may have done it."""

    def answer(request):
        raise Unanswered("no_answer", was_sent=True)

    result = talk(answer, attempts=2)

    assert result.error is None
    assert set(result.exceptions().values()) == {("unknown", "no_answer")}


def test_waits_follow_the_platform_when_it_names_one():
    """Retry-After counts, not our own guess."""
    clock = Clock()
    answers = iter([Response(429, {"retry-after": "40"}), ACCEPTED])

    result = talk(
        lambda r: next(answers) if r.step == "import_profiles" else job("complete"), clock=clock
    )

    assert result.delivered == 4
    assert 40 <= clock.moment < 42


@pytest.mark.parametrize("culprit", [1, 3, 8])
def test_culprit_is_found_by_halving(culprit):
    """The row that spoils its batch is rejected alone."""

    def answer(request):
        if request.step != "import_profiles":
            return job("complete")
        spoiled = f'"p{culprit}@'.encode() in (request.body or b"")
        return Response(400, body=b'{"errors":[]}') if spoiled else ACCEPTED

    result = talk(answer, count=8)

    assert result.exceptions() == {culprit: ("rejected", "http_400")}
    assert result.delivered == 7


def test_endless_search_is_given_up():
    """With too many culprits the undecided rows are left for the next run."""

    def answer(request):
        if request.step != "import_profiles":
            return job("complete")
        odd = any(f'"p{number}@'.encode() in (request.body or b"") for number in range(1, 65, 2))
        return Response(400, body=b'{"errors":[]}') if odd else ACCEPTED

    result = talk(answer, count=64, narrowings=40)

    assert result.error is None
    assert result.delivered > 0
    assert result.rejected
    assert result.unknown
    assert result.delivered + len(result.exceptions()) == 64
