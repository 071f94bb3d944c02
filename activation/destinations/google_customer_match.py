"""Keep Google Customer Match lists in step by the Data Manager API, with consent per member."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import orjson

from activation import normalise
from activation.destinations.answers import (
    common_outcome,
    pack,
    place,
    read_answer,
    refused_request,
)
from activation.destinations.base import (
    Batch,
    FollowUp,
    Found,
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
from activation.destinations.capabilities import BatchLimits, Capabilities, Polling, Rate, Surface
from activation.destinations.google_members import ADDRESS, encoded
from activation.destinations.sizes import counted_by_google
from activation.errors import PlatformRefused, TargetMissing

_MEMBER = re.compile(r"audience_?[mM]embers\[(\d+)\]")
_LONGEST_MEMBERSHIP = f"{540 * 86_400}s"
_ACCOUNT_REASONS = (
    "TERMS_AND_CONDITIONS_NOT_SIGNED",
    "NOT_ALLOWLISTED",
    "PERMISSION_DENIED",
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
)


@dataclass(frozen=True)
class GoogleCustomerMatchSettings:
    """Where and as whom to talk to the Data Manager API, and for which Google Ads account."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "access_token": "REGULARS_GOOGLE_ACCESS_TOKEN",
        "customer_id": "REGULARS_GOOGLE_CUSTOMER_ID",
        "login_customer_id": "REGULARS_GOOGLE_LOGIN_CUSTOMER_ID",
        "base_url": "REGULARS_GOOGLE_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("access_token", "customer_id")

    access_token: str = field(default="", repr=False)
    customer_id: str = ""
    login_customer_id: str = ""
    base_url: str = "https://datamanager.googleapis.com"


@dataclass(frozen=True)
class GoogleCustomerMatch:
    """The Data Manager API's audience members and user lists."""

    settings: GoogleCustomerMatchSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="google_customer_match",
        surfaces={"user_list": Surface("membership")},
        fields=frozenset({"email", "phone", *ADDRESS}),
        identities=(("email",), ("phone",), ADDRESS),
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=10_000, removal_rows=10_000),
        rate=Rate(burst_per_second=20, steady_per_minute=300),
        follow_ups=dict.fromkeys(("ingest_members", "remove_members"), ("request_status",)),
        polling=Polling(first=0.2, longest=20.0, patience=1800.0),
        normaliser=normalise.GOOGLE,
        needs_purposes=frozenset({"ads_user_data", "ads_personalisation"}),
        keeps_rows=True,
        folds_gmail=True,
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host and the Google Ads account."""
        return f"{place(self.settings.base_url)}|{_digits(self.settings.customer_id)}"

    def headers(self) -> Mapping[str, str]:
        """Return the credentials."""
        return {"authorization": f"Bearer {self.settings.access_token}"}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: the Data Manager API needs no query parameter on every request."""
        return {}

    def target(self, name: str) -> Request:
        """Find the user list by its name; `classify` makes it when there is none."""
        wanted = {"filter": f"display_name = {orjson.dumps(name).decode()}", "pageSize": "1000"}
        return self._lists("find_list", "GET", context=name, parameters=wanted)

    def size(self, target: Target) -> Request:
        """Ask how many members a user list has; Google does not tell who they are."""
        request = self._lists("list_size", "GET", context=target.name)
        return replace(request, path=f"{request.path}/{target.identifier}")

    def requests(self, batch: Batch) -> Prepared:
        """Ingest or remove members, at most 10 000 in a request."""
        invalid: dict[int, str] = {}
        settled: list[int] = []
        members_by_row = encoded(batch, invalid, settled)
        limits = self.capabilities.batch
        parts = pack(members_by_row, limits.upsert_rows, limits.request_bytes - 2_000)
        requests = tuple(self._members(batch, rows, members) for rows, members in parts)
        return Prepared(requests, invalid, tuple(settled))

    def poll(self, request_id: str, rows: tuple[int, ...], polls: int) -> Request:
        """Ask what became of an accepted request."""
        return Request(
            "request_status",
            "GET",
            "/v1/requestStatus:retrieve",
            rows=rows,
            parameters={"requestId": request_id},
            context=request_id,
            polls=polls,
            is_poll=True,
        )

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of the Data Manager API means for the rows of its request."""
        variable = "REGULARS_GOOGLE_ACCESS_TOKEN"
        outcome = common_outcome("google_customer_match", variable, request, response)
        if outcome is not None:
            return outcome
        name = "google_customer_match"
        return read_answer(name, request, response, lambda: self._read(request, response))

    def _read(self, request: Request, response: Response) -> Outcome:
        if request.is_poll and response.status == 404:
            return FollowUp((self.poll(request.context, request.rows, request.polls + 1),))
        if response.status >= 400:
            return _refusal(request, response)
        document = response.document()
        return Retry("garbled_answer") if document is None else self._accepted(request, document)

    def _accepted(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        match request.step:
            case "find_list":
                return self._found_or_made(request, document)
            case "make_list":
                return Found(Target(_list_id(document), request.context))
            case "list_size":
                return counted_by_google(document)
            case "request_status":
                return self._progress(request, document)
            case _:
                return FollowUp((self.poll(document["requestId"], request.rows, 0),))

    def _found_or_made(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        for found in document.get("userLists", []):
            if found["displayName"] == request.context:
                return Found(Target(_list_id(found), request.context))
        following = document.get("nextPageToken")
        if following:
            parameters = {**request.parameters, "pageToken": following}
            again = self._lists("find_list", "GET", request.context, parameters=parameters)
            return FollowUp((again,))
        body = orjson.dumps(_new_list(request.context))
        return FollowUp((self._lists("make_list", "POST", request.context, body=body),))

    def _lists(self, step: str, method: Any, context: str, **parts: Any) -> Request:
        account = _digits(self.settings.customer_id)
        manager = _digits(self.settings.login_customer_id)
        headers = (
            {"login-account": f"accountTypes/GOOGLE_ADS/accounts/{manager}"} if manager else {}
        )
        path = f"/v1/accountTypes/GOOGLE_ADS/accounts/{account}/userLists"
        return Request(step, method, path, context=context, headers=headers, **parts)

    def _members(self, batch: Batch, rows: tuple[int, ...], members: list[bytes]) -> Request:
        body: dict[str, Any] = {
            "destinations": [self._destination(batch.target)],
            "audienceMembers": [orjson.Fragment(member) for member in members],
            "encoding": "HEX",
        }
        step, path = "remove_members", "/v1/audienceMembers:remove"
        if batch.operation == "upsert":
            step, path = "ingest_members", "/v1/audienceMembers:ingest"
            body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        return Request(step, "POST", path, rows=rows, body=orjson.dumps(body))

    def _destination(self, target: Target) -> dict[str, Any]:
        def account(number: str) -> dict[str, str]:
            return {"accountType": "GOOGLE_ADS", "accountId": _digits(number)}

        destination: dict[str, Any] = {"operatingAccount": account(self.settings.customer_id)}
        if self.settings.login_customer_id:
            destination["loginAccount"] = account(self.settings.login_customer_id)
        return {**destination, "productDestinationId": target.identifier}

    def _progress(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        """Read the end of a request: counts by reason, never which rows."""
        state = document["requestStatusPerDestination"][0]
        status = state["requestStatus"]
        counts = {
            count["reason"].removeprefix("PROCESSING_ERROR_REASON_").lower(): int(
                count["recordCount"]
            )
            for count in (state.get("errorInfo") or {}).get("errorCounts", [])
        }
        if status == "SUCCESS" or (status == "PARTIAL_SUCCESS" and request.rows):
            return Settled(delivered=request.rows, unattributed=counts)
        if status == "FAILED":
            return _failed(request, counts)
        return FollowUp((self.poll(request.context, request.rows, request.polls + 1),))


def _digits(account: str) -> str:
    return account.replace("-", "").strip()


def _list_id(found: Mapping[str, Any]) -> str:
    return str(found["id"]) if "id" in found else str(found["name"]).rsplit("/", 1)[-1]


def _new_list(name: str) -> dict[str, Any]:
    return {
        "displayName": name,
        "description": "Kept in step by regulars",
        "membershipStatus": "OPEN",
        "membershipDuration": _LONGEST_MEMBERSHIP,
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    }


def _failed(request: Request, counts: Mapping[str, int]) -> Outcome:
    """Reject the rows of a failed request; after a failure of the platform try again later."""
    code = max(counts, key=lambda reason: counts[reason], default="failed")
    if "internal" in code or "unavailable" in code:
        return Settled(unknown=dict.fromkeys(request.rows, code))
    return Settled(rejected=dict.fromkeys(request.rows, code))


def _refusal(request: Request, response: Response) -> Outcome:
    """Read why a request failed as a whole: one wrong member rejects all of them."""
    if request.is_poll:
        return Retry(f"http_{response.status}")
    details = ((response.document() or {}).get("error") or {}).get("details") or []
    reasons = [str(detail.get("reason", "")) for detail in details]
    violations = [v for detail in details for v in detail.get("fieldViolations") or []]
    reasons += [str(violation.get("reason", "")) for violation in violations]
    if "INVALID_USER_LIST_ID" in reasons or "DESTINATION_NOT_FOUND" in reasons:
        msg = "google_customer_match: the user list no longer exists. The next run makes it anew."
        return Stop(TargetMissing(msg))
    for reason in _ACCOUNT_REASONS:
        if reason in reasons:
            msg = f"google_customer_match refuses the account ({reason}). Settle it in Google Ads."
            return Stop(PlatformRefused(msg))
    if not request.rows:
        return refused_request("google_customer_match", request, response.status)
    return Narrow(f"http_{response.status}", _named(request, violations))


def _named(request: Request, violations: list[Mapping[str, Any]]) -> dict[int, str]:
    named: dict[int, str] = {}
    for violation in violations:
        found = _MEMBER.search(str(violation.get("field", "")))
        if found and int(found[1]) < len(request.rows):
            code = str(violation.get("reason") or "invalid_argument").lower()
            named[request.rows[int(found[1])]] = code
    return named
