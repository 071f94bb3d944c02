"""Every destination keeps the same promises."""

from dataclasses import fields, replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation import errors
from activation.destinations import DESTINATIONS, missing_settings, settings_for
from activation.destinations.base import (
    FollowUp,
    Found,
    Narrow,
    Prepared,
    Request,
    Response,
    Retry,
    Row,
    Settled,
    Stop,
)
from activation.errors import ActivationError, AuthenticationRefused, PlatformRefused
from tests.contracts.destinations import (
    HTTP,
    KEYED,
    MESSAGES,
    PERSONAL,
    SECRETS,
    STATUS_ONLY,
    VALUES,
    batch,
    destination,
    row,
)

OPERATIONS = ("upsert", "remove")
EVERY = pytest.mark.parametrize("name", HTTP)
BOTH = pytest.mark.parametrize("operation", OPERATIONS)


def first_requests(name):
    """Return the first request of every operation, and of finding the target."""
    prepared = [destination(name).requests(batch(name, op, 3)) for op in OPERATIONS]
    found = [one.requests[0] for one in prepared if one.requests]
    step = destination(name).target("Win back")
    return [*found, step] if isinstance(step, Request) else found


@EVERY
@BOTH
def test_empty_batch_makes_no_request(name, operation):
    """Nothing to do is nothing to send."""
    assert destination(name).requests(batch(name, operation, 0)) == Prepared()


@EVERY
@BOTH
@pytest.mark.parametrize("count", [1, 101, 12_000])
def test_requests_stay_within_limits_and_cover_every_row_once(name, operation, count):
    """No request is larger than the platform takes, and no row is lost or doubled."""
    limits = DESTINATIONS[name].capabilities.batch
    prepared = destination(name).requests(batch(name, operation, count))

    most = limits.upsert_rows if operation == "upsert" else limits.removal_rows
    assert all(len(request.rows) <= most for request in prepared.requests)
    assert all(len(request.body or b"") <= limits.request_bytes for request in prepared.requests)
    covered = [number for request in prepared.requests for number in request.rows]
    covered += prepared.settled
    assert sorted(covered) == list(range(1, count + 1))


@EVERY
def test_large_rows_are_cut_by_bytes(name):
    """A body never exceeds the platform's bytes, however few rows that are."""
    wide = [replace_value(row(name, number), "first_name", "x" * 9_000) for number in range(1, 900)]
    prepared = destination(name).requests(replace(batch(name, "upsert", 0), rows=tuple(wide)))

    limit = DESTINATIONS[name].capabilities.batch.request_bytes
    assert all(len(request.body or b"") <= limit for request in prepared.requests)
    assert sum(len(request.rows) for request in prepared.requests) == len(wide)


def replace_value(one: Row, key: str, value: object) -> Row:
    """Return the row with another value, if it has that field."""
    return one._replace(values={**one.values, key: value}) if key in one.values else one


@EVERY
@BOTH
def test_same_batch_makes_the_same_requests(name, operation):
    """Requests are a pure function of the batch."""
    one = destination(name).requests(batch(name, operation, 5))

    assert one == destination(name).requests(batch(name, operation, 5))


@EVERY
def test_row_without_identifier_is_invalid_and_the_others_are_sent(name):
    """A row nobody could be found by is named, and stops nobody else."""
    good = batch(name, "upsert", 2)
    empty = Row(9, dict.fromkeys(good.rows[0].values))
    prepared = destination(name).requests(replace(good, rows=(*good.rows, empty)))

    assert list(prepared.invalid) == [9]
    assert sorted(number for request in prepared.requests for number in request.rows) == [1, 2]


@pytest.mark.parametrize("name", [name for name in HTTP if name not in KEYED])
def test_removal_of_identifiers_still_wanted_needs_no_request(name):
    """A row whose identifiers others use is settled without a word to the platform."""
    removal = batch(name, "remove", 2)
    kept = tuple(one._replace(stale=frozenset()) for one in removal.rows)

    assert destination(name).requests(replace(removal, rows=kept)) == Prepared(settled=(1, 2))


@EVERY
def test_removal_is_never_an_unsubscribe(name):
    """Leaving an audience says nothing about consent."""
    for request in first_requests(name):
        text = f"{request.path} {request.body!r}".lower()
        assert "subscription-bulk" not in text
        assert "suppression" not in text
        assert "unsubscribed" not in text


@EVERY
def test_refused_credentials_stop_and_name_the_variable(name):
    """401 is for a person to settle."""
    for request in first_requests(name):
        outcome = destination(name).classify(request, Response(401, body=b"{}"))
        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, AuthenticationRefused)
        assert set(DESTINATIONS[name](settings_for(name, VALUES)).settings.ENVIRONMENT.values()) & {
            word.rstrip(".") for word in str(outcome.error).split()
        }


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (name, status)
        for name in HTTP
        for status in (402, 403, 410, 301, 307)
        if name not in MESSAGES or status not in (403, 410)
    ],
)
def test_account_level_refusals_stop(name, status):
    """What no retry can change stops the run."""
    for request in first_requests(name):
        outcome = destination(name).classify(request, Response(status, body=b"{}"))
        assert isinstance(outcome, Stop)
        assert isinstance(outcome.error, PlatformRefused)


@EVERY
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_trouble_is_retried_as_long_as_asked(name, status):
    """The platform's own wait is honoured; whether it may have acted all the same is told."""
    for request in first_requests(name):
        answer = Response(status, {"retry-after": "7"}, b"<html>busy</html>")
        in_doubt = status not in (425, 429, 503)
        outcome = destination(name).classify(request, answer)
        assert outcome == Retry(f"http_{status}", 7.0, in_doubt)


@pytest.mark.parametrize("name", [name for name in HTTP if name not in STATUS_ONLY])
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"null", b"[]", b'{"da', b"\xff\xfe"])
def test_unreadable_success_is_not_believed(name, body):
    """A proxy's page is no acknowledgement (an empty answer may be, where the platform says so)."""
    for request in first_requests(name):
        outcome = destination(name).classify(request, Response(200, body=body))
        assert isinstance(outcome, Retry)


@EVERY
def test_bad_request_never_counts_as_delivered(name):
    """400 rejects rows, narrows the request down, asks for the reason or stops."""
    for request in first_requests(name):
        outcome = destination(name).classify(request, Response(400, body=b"{}"))
        settled = outcome.settled if isinstance(outcome, FollowUp) else outcome
        delivered = settled.delivered if isinstance(settled, Settled) else ()
        assert delivered == ()
        assert isinstance(outcome, Settled | Narrow | Stop | FollowUp)


@EVERY
@given(status=st.integers(200, 599), body=st.binary(max_size=60))
def test_no_answer_raises(name, status, body):
    """Whatever a platform says, it is an outcome."""
    for request in first_requests(name):
        outcome = destination(name).classify(request, Response(status, body=body))
        assert isinstance(outcome, Settled | FollowUp | Retry | Narrow | Found | Stop)


@EVERY
@settings(max_examples=60)
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9_999) | st.text("ab1", max_size=4),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["data", "error", "errors", "id", "attributes", "details", "code", "results"]
                ),
                part,
                max_size=3,
            )
        ),
        max_leaves=8,
    ),
    status=st.sampled_from([200, 202, 400, 404, 409, 422]),
)
def test_no_strange_document_raises(name, document, status):
    """Nor does any document that only looks like the platform's."""
    for request in first_requests(name):
        answer = Response(status, body=orjson.dumps(document))
        outcome = destination(name).classify(request, answer)
        assert isinstance(outcome, Settled | FollowUp | Retry | Narrow | Found | Stop)


@pytest.mark.parametrize("name", DESTINATIONS)
def test_secrets_and_personal_values_never_appear(name):
    """Not in settings, destinations, rows, batches, requests or errors as they are printed."""
    one = destination(name)
    printed = [repr(one), repr(one.settings), one.account]
    if name in HTTP:
        for operation in OPERATIONS:
            some = batch(name, operation, 2)
            printed += [repr(some), repr(some.rows[0]), repr(one.requests(some))]
        for request in first_requests(name):
            outcome = one.classify(request, Response(401, body=b"{}"))
            assert isinstance(outcome, Stop)
            printed.append(repr(outcome.error))

    for text in printed:
        assert not any(secret in text for secret in (*SECRETS, PERSONAL, "very-secret"))


@pytest.mark.parametrize("name", DESTINATIONS)
def test_missing_settings_are_named_by_variable(name):
    """A destination without credentials says which variables it needs."""
    empty = settings_for(name, {})

    assert missing_settings(empty)
    assert set(missing_settings(empty)) <= set(empty.ENVIRONMENT.values())
    assert missing_settings(settings_for(name, VALUES)) == ()


@pytest.mark.parametrize("name", DESTINATIONS)
def test_capabilities_are_consistent(name):
    """What is data is checked as data."""
    kind = DESTINATIONS[name]
    capabilities = kind.capabilities
    values = settings_for(name, VALUES)

    assert capabilities.name == name
    assert all(
        capabilities.knows_field(part) for group in capabilities.identities for part in group
    )
    assert all(capabilities.knows_field(field) for field in capabilities.addresses.values())
    assert capabilities.normaliser.rpartition("/")[2].isdigit()
    assert {field.name for field in fields(values)} >= set(values.ENVIRONMENT)
    assert all(variable.startswith("REGULARS_") for variable in values.ENVIRONMENT.values())


def test_every_error_is_terminal_or_transient():
    """An error says whether trying again can help."""
    leaves = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ActivationError)
    ]

    for kind in leaves:
        assert kind is ActivationError or issubclass(kind, errors.Terminal | errors.Transient)
        assert kind.__name__ in str(errors.__doc__)
