"""Read the reports of an import at Brevo: a file for each kind of refused contact."""

from collections.abc import Mapping
from typing import Any

from activation.destinations.answers import common_outcome
from activation.destinations.base import FollowUp, Outcome, Request, Response, Retry, Settled
from activation.destinations.brevo_contacts import named_in


def first_report(poll: Request, imported: Mapping[str, Any]) -> Outcome:
    """Fetch the reports of a finished import one after the other; without one all is delivered."""
    reports = [(kind, str(url)) for kind, url in sorted(imported.items()) if url]
    if not reports:
        return Settled(poll.rows)
    if poll.recall is None:
        return Settled(unknown=dict.fromkeys(poll.rows, "report_of_another_run"))
    return FollowUp((_report(poll, reports, {}, {}),))


def _report(
    before: Request,
    reports: list[tuple[str, str]],
    rejected: dict[int, str],
    others: dict[str, int],
) -> Request:
    (_, url), *_ = reports
    return Request(
        "import_report",
        "GET",
        "",
        before.rows,
        address=url,
        context=(reports, rejected, others),
        recall=before.recall,
    )


def read_report(request: Request, response: Response) -> Outcome:
    """Name the rows of one report, then read the next one.

    A report that cannot be had leaves the rows in doubt. One that names nobody of ours is counted:
    which rows are refused is not known then.
    """
    outcome = common_outcome("brevo", "", request, response)
    if isinstance(outcome, Retry):
        return outcome
    reports, rejected, others = request.context
    kind = reports[0][0]
    text = response.body.decode(errors="replace").strip()
    if response.status != 200 or not text or text.startswith("<"):
        left = (number for number in request.rows if number not in rejected)
        return Settled(rejected=rejected, unknown=dict.fromkeys(left, "report_unreadable"))
    named = named_in(text, request.recall)
    count = named.others if named.rows else max(1, named.others)
    rejected = {**dict.fromkeys(named.rows, _code(kind)), **rejected}
    others = {**others, _code(kind): count} if count else others
    if len(reports) > 1:
        return FollowUp((_report(request, reports[1:], rejected, others),))
    kept = tuple(number for number in request.rows if number not in rejected)
    return Settled(kept, rejected, unattributed=others)


def _code(kind: str) -> str:
    return "invalid_email" if kind == "invalid_emails" else kind
