"""Keep Brevo lists in step: contacts by import process and membership, never the blocklist.

Not established by Brevo's documentation, and taken as follows: the columns of an import's reports
(every cell is looked at), the error of an import into a list that is gone (the list is asked for),
and what becomes of a contact whose number belongs to another one (counted as refused).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import orjson

from activation.destinations.answers import (
    apart,
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
from activation.destinations.brevo_contacts import (
    ATTRIBUTE,
    IDENTITIES,
    NUMBER,
    RESERVED,
    STANDARD,
    attribute_names,
    contacts,
)
from activation.destinations.brevo_lists import (
    find_list,
    found_or_folder,
    list_members,
    listed_members,
    made_folder,
)
from activation.destinations.brevo_removals import EMAILS, removals, removed
from activation.destinations.brevo_reports import first_report, read_report
from activation.destinations.capabilities import BatchLimits, Capabilities, Polling, Rate, Surface
from activation.errors import PlatformRefused, TargetMissing

_KEY = "REGULARS_BREVO_API_KEY"
_RESET = "x-sib-ratelimit-reset"
_ABSENT = "does not exist"
_OF_A_CONTACT = ("normal", "category")


@dataclass(frozen=True)
class BrevoSettings:
    """Where and as whom to talk to Brevo."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "api_key": "REGULARS_BREVO_API_KEY",
        "base_url": "REGULARS_BREVO_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("api_key",)

    api_key: str = field(default="", repr=False)
    base_url: str = "https://api.brevo.com"


@dataclass(frozen=True)
class Brevo:
    """Brevo's contact import and lists (v3).

    A column that is null clears the attribute. An attribute that the account does not have stops
    the run, because Brevo would ignore it without a word. Processes may be asked for 100 times an
    hour: 40 at once, then one a minute.
    """

    settings: BrevoSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="brevo",
        surfaces={"list": Surface("membership")},
        fields=frozenset({"email", *STANDARD}),
        field_prefix=ATTRIBUTE,
        reserved=RESERVED,
        identities=IDENTITIES,
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=10_000, removal_rows=EMAILS, request_bytes=8_000_000),
        rate=Rate(burst_per_second=10, steady_per_minute=600),
        step_rates={"import_process": Rate(burst_per_second=40, steady_per_minute=100 / 60)},
        follow_ups={
            "check_attributes": ("import_contacts", "import_process"),
            "import_contacts": ("import_process",),
        },
        polling=Polling(first=0.2, factor=2.5, longest=60.0, patience=1800.0),
        normaliser="brevo/1",
        erases=True,
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host; a Brevo key belongs to one account."""
        return place(self.settings.base_url)

    def headers(self) -> Mapping[str, str]:
        """Return the credentials."""
        return {"api-key": self.settings.api_key, "accept": "application/json"}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: no query parameter is on every request."""
        return {}

    def target(self, name: str) -> Request:
        """Find the list by its name; `classify` makes it when there is none."""
        return find_list(name)

    members = staticmethod(list_members)

    def requests(self, batch: Batch) -> Prepared:
        """Import contacts into the list, or take e-mail addresses out of it."""
        return _imports(batch) if batch.operation == "upsert" else removals(batch)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of Brevo means for the rows of its request."""
        if request.step == "import_report":
            return read_report(request, response)
        outcome = common_outcome("brevo", _KEY, request, response, _RESET)
        if outcome is not None:
            return outcome
        return read_answer("brevo", request, response, lambda: _read(request, response))


def _imports(batch: Batch) -> Prepared:
    invalid: dict[int, str] = {}
    found = list(contacts(batch.rows, invalid))
    recall = {contact.number: contact.names for contact in found}
    attributes = attribute_names(batch.rows)
    limits = Brevo.capabilities.batch
    requests = tuple(
        _import(batch.target, attributes, rows, parts, recall)
        for part in apart((c.names[0], (c.number, c.encoded)) for c in found)
        for rows, parts in pack(part, limits.upsert_rows, limits.request_bytes - 1_000)
    )
    return Prepared(requests, invalid)


def _import(
    target: Target,
    attributes: tuple[str, ...],
    rows: tuple[int, ...],
    encoded: list[bytes],
    names: Mapping[int, tuple[str, ...]],
) -> Request:
    """Return the import, behind a look at the account's attributes when it sets any."""
    body = {
        "jsonBody": [orjson.Fragment(contact) for contact in encoded],
        "listIds": [int(target.identifier)],
        "updateExistingContacts": True,
        "emptyContactsAttributes": True,
        "disableNotification": True,
    }
    sent = Request(
        "import_contacts",
        "POST",
        "/v3/contacts/import",
        rows,
        body=orjson.dumps(body),
        context=target.identifier,
        recall={name: number for number in rows for name in reversed(names[number])},
    )
    if not attributes:
        return sent
    path = "/v3/contacts/attributes"
    return Request("check_attributes", "GET", path, rows, context=attributes, recall=sent)


def _read(request: Request, response: Response) -> Outcome:
    if response.status >= 400:
        return _refusal(request, response)
    document = response.document() or {}
    match request.step:
        case "find_list":
            return found_or_folder(request, document)
        case "find_folder" | "make_folder":
            return made_folder(request, document)
        case "make_list":
            return Found(Target(str(int(document["id"])), request.context))
        case "list_members":
            return listed_members(request, document)
        case "check_attributes":
            return _checked(request, document)
        case "import_contacts":
            return FollowUp((_poll(request, int(document["processId"])),))
        case "import_process":
            return _progress(request, document)
        case "check_list":
            return _list_is_there(request, int(document["id"]))
        case "erase_contact":
            return Settled(request.rows)
        case _:
            return removed(request, document["contacts"])


def _checked(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Go on with the import when the account has every attribute that it sets."""
    known = {
        str(attribute["name"]).upper()
        for attribute in document["attributes"]
        if attribute["category"] in _OF_A_CONTACT
    }
    missing = [name for name in request.context if name not in known and name != NUMBER]
    if missing:
        msg = (
            f"brevo has no contact attribute {', '.join(missing)} and would ignore it. Create it "
            f"in Brevo, or rename the column to {ATTRIBUTE}<name> of one that is there."
        )
        return Stop(PlatformRefused(msg))
    return FollowUp((request.recall,))


def _poll(request: Request, process: int) -> Request:
    """Ask how far an import is; `context` names the process and the list."""
    return Request(
        "import_process",
        "GET",
        f"/v3/processes/{process}",
        request.rows,
        context=[process, request.context],
        recall=request.recall,
        is_poll=True,
    )


def _progress(request: Request, document: Mapping[str, Any]) -> Outcome:
    status, (_, list_id) = document["status"], request.context
    if status in ("failed", "cancelled"):
        return FollowUp((_look_at_list(request, list_id, f"import_{status}", True),))
    if status != "completed":
        return FollowUp((replace(request, polls=request.polls + 1),))
    imported = (document.get("info") or {}).get("import") or {}
    return first_report(request, imported)


def _refusal(request: Request, response: Response) -> Outcome:
    if request.step == "check_list" and response.status == 404:
        msg = "brevo: the list no longer exists. The next run makes it anew and fills it."
        return Stop(TargetMissing(msg))
    if request.step == "erase_contact" and response.status == 404:
        return Settled(request.rows)
    if request.is_poll:
        return Retry(f"http_{response.status}")
    if request.step not in ("import_contacts", "remove_contacts"):
        code = f"http_{response.status}"
        return Narrow(code) if request.rows else refused_request("brevo", request, response.status)
    message = str((response.document() or {}).get("message", ""))
    is_removal = request.step == "remove_contacts"
    code = "absent" if is_removal and _ABSENT in message else f"http_{response.status}"
    return FollowUp((_look_at_list(request, request.context, code, False),))


def _look_at_list(request: Request, list_id: str, code: str, is_final: bool) -> Request:
    """Ask for the list, to tell whether it or the rows are what was refused."""
    path = f"/v3/contacts/lists/{list_id}"
    return Request("check_list", "GET", path, request.rows, context=(list_id, code, is_final))


def _list_is_there(request: Request, number: int) -> Outcome:
    list_id, code, is_final = request.context
    if str(number) != list_id:
        return Retry("garbled_answer")
    if code == "absent":
        return Settled(request.rows)
    if is_final:
        return Settled(unknown=dict.fromkeys(request.rows, code))
    return Narrow(code)
