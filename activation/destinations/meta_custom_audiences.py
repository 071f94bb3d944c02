"""Keep Meta custom audiences in step: rows hashed per column, one session per request."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import orjson

from activation import normalise
from activation.destinations.answers import (
    common_outcome,
    pack_batch,
    place,
    read_answer,
    refused_credentials,
    refused_request,
    wait_seconds,
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
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.destinations.layout import Layout
from activation.destinations.meta_users import (
    KEYS,
    RULES,
    columns_of,
    encoded,
    schema_of,
    user_text,
)
from activation.destinations.row_texts import RowText
from activation.destinations.sizes import counted_by_meta, meta_size
from activation.errors import PlatformRefused, TargetMissing

_VERSION = "v26.0"
_NAME = "meta_custom_audiences"
_TOKEN = "REGULARS_META_ACCESS_TOKEN"  # noqa: S105 - the name of a variable, not a secret
_TRY_AGAIN = {1, 2, 4, 17, 341, 368, 5000, 21009, 80003}
_CREDENTIALS = {102, 190}
_ACCOUNT = {10, 200, 294, 471, 2650, 2655}
_GONE, _FLAGGED = 33, 1713230
_MOST_HALVED = 8


@dataclass(frozen=True)
class MetaCustomAudiencesSettings:
    """Where and as whom to talk to the Marketing API, and for which ad account."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "access_token": "REGULARS_META_ACCESS_TOKEN",
        "app_secret": "REGULARS_META_APP_SECRET",
        "ad_account_id": "REGULARS_META_AD_ACCOUNT_ID",
        "base_url": "REGULARS_META_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("access_token", "ad_account_id")

    access_token: str = field(default="", repr=False)
    app_secret: str = field(default="", repr=False)
    ad_account_id: str = ""
    base_url: str = "https://graph.facebook.com"


@dataclass(frozen=True)
class MetaCustomAudiences:
    """The Marketing API's custom audiences and their users."""

    settings: MetaCustomAudiencesSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="meta_custom_audiences",
        surfaces={"custom_audience": Surface("membership")},
        fields=frozenset({*KEYS, *RULES}),
        identities=(("external_id",), ("email",), ("phone",)),
        removal_fields=("country_code",),
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=10_000, removal_rows=2_000),
        rate=Rate(burst_per_second=50, steady_per_minute=3_000),
        normaliser=normalise.META,
        needs_purposes=frozenset({"ads_user_data", "ads_personalisation"}),
        keeps_rows=True,
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host and the ad account."""
        return f"{place(self.settings.base_url)}|{self._ad_account}"

    @property
    def _ad_account(self) -> str:
        return self.settings.ad_account_id.removeprefix("act_").strip()

    def headers(self) -> Mapping[str, str]:
        """Return the credentials."""
        return {"authorization": f"Bearer {self.settings.access_token}"}

    def parameters(self) -> Mapping[str, str]:
        """Return the proof that the sender knows the app secret, when one is set."""
        if not self.settings.app_secret:
            return {}
        secret, token = self.settings.app_secret.encode(), self.settings.access_token.encode()
        return {"appsecret_proof": hmac.new(secret, token, hashlib.sha256).hexdigest()}

    def target(self, name: str) -> Request:
        """Find the audience by its name; `classify` makes it when there is none."""
        return self._audiences("find_audience", "GET", name, _page(None))

    def size(self, target: Target) -> Request:
        """Ask how many members an audience has."""
        return meta_size(f"/{_VERSION}/{target.identifier}")

    def requests(self, batch: Batch) -> Prepared:
        """Add or remove users, each request a session of its own."""
        invalid: dict[int, str] = {}
        settled: list[int] = []
        is_removal = batch.operation == "remove"
        columns = columns_of(batch)
        limits = self.capabilities.batch
        room = limits.request_bytes - 2_000
        most = limits.removal_rows if is_removal else limits.upsert_rows
        parts = pack_batch(
            batch,
            lambda rows: encoded(rows, columns, is_removal, invalid, settled),
            replace(limits, upsert_rows=most, request_bytes=room),
            room,
        )
        requests = tuple(_users(batch, schema_of(columns), rows, data) for rows, data in parts)
        return Prepared(requests, invalid, tuple(settled))

    def row_text(self, target: str, layout: Layout, run_id: str) -> RowText | None:
        """Return how the warehouse writes a user."""
        return user_text(layout.types)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of the Marketing API means for the rows of its request."""
        return read_answer(_NAME, request, response, lambda: self._read(request, response))

    def _read(self, request: Request, response: Response) -> Outcome:
        """Read the error's code before the status: the same status stands for many things."""
        document = response.document() or {}
        if "error" in document:
            return _refusal(request, response, document["error"])
        outcome = common_outcome(_NAME, _TOKEN, request, response)
        if outcome is None and response.status >= 400:
            return _refusal(request, response, {})
        return outcome or self._accepted(request, document)

    def _accepted(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        match request.step:
            case "find_audience":
                return self._found_or_made(request, document)
            case "make_audience":
                return Found(Target(str(document["id"]), request.context))
            case "audience_size":
                return counted_by_meta(document)
            case "remove_users":
                int(document["num_received"])
                return Settled(delivered=request.rows)
            case _:
                return _received(request, document)

    def _found_or_made(self, request: Request, document: Mapping[str, Any]) -> Outcome:
        for found in document["data"]:
            if found["name"] == request.context:
                return Found(Target(str(found["id"]), request.context))
        paging = document.get("paging") or {}
        if paging.get("next"):
            page = _page(paging["cursors"]["after"])
            return FollowUp((self._audiences("find_audience", "GET", request.context, page),))
        audience = {
            "name": request.context,
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "description": "Kept in step by regulars",
        }
        body = orjson.dumps(audience)
        made = self._audiences("make_audience", "POST", request.context, {}, body=body)
        return FollowUp((made,))

    def _audiences(
        self, step: str, method: Any, context: str, parameters: Mapping[str, str], **parts: Any
    ) -> Request:
        path = f"/{_VERSION}/act_{self._ad_account}/customaudiences"
        return Request(step, method, path, parameters=parameters, context=context, **parts)


def _page(after: str | None) -> dict[str, str]:
    page = {"fields": "id,name", "limit": "100"}
    return page if after is None else {**page, "after": after}


def _users(batch: Batch, schema: list[str], rows: tuple[int, ...], data: list[bytes]) -> Request:
    is_removal = batch.operation == "remove"
    body = {
        "session": {
            "session_id": _session(batch, rows),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": len(rows),
        },
        "payload": {"schema": schema, "data": [orjson.Fragment(cells) for cells in data]},
    }
    return Request(
        "remove_users" if is_removal else "add_users",
        "DELETE" if is_removal else "POST",
        f"/{_VERSION}/{batch.target.identifier}/users",
        rows=rows,
        body=orjson.dumps(body),
    )


def _session(batch: Batch, rows: tuple[int, ...]) -> int:
    """Number the session: a retry repeats it, another run or cut of the batch never does."""
    name = f"{batch.run_id}|{batch.operation}|{rows}"
    return int(hashlib.sha256(name.encode()).hexdigest()[:13], 16)


def _received(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Find the invalid entries, which the platform counts without naming them, by halving."""
    if int(document["num_received"]) != len(request.rows):
        return Retry("rows_missing")
    count = int(document["num_invalid_entries"])
    if count == 0:
        return Settled(delivered=request.rows)
    if count == len(request.rows):
        return Settled(rejected=dict.fromkeys(request.rows, "invalid_entry"))
    if count <= _MOST_HALVED:
        return Narrow("invalid_entry")
    return Settled(delivered=request.rows, unattributed={"invalid_entry": count})


def _refusal(request: Request, response: Response, error: Mapping[str, Any]) -> Outcome:
    code, subcode = error.get("code"), error.get("error_subcode")
    if code in _TRY_AGAIN or response.status in (429, 500, 502, 503, 504):
        return Retry(f"code_{code}", wait_seconds(response))
    if code in _CREDENTIALS or response.status == 401:
        return Stop(refused_credentials(_NAME, _TOKEN))
    if subcode == _GONE:
        msg = f"{_NAME}: the audience no longer exists. The next run makes it anew."
        return Stop(TargetMissing(msg))
    if code in _ACCOUNT or subcode == _FLAGGED:
        msg = f"{_NAME} refuses the audience (code {code}). Look at it in Ads Manager."
        return Stop(PlatformRefused(msg))
    if not request.rows:
        return refused_request(_NAME, request, response.status)
    return Narrow(f"code_{code}")
