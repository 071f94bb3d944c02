"""Write down what was erased where, with the proof, and without a personal value."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.erasure.journal import Asked, Journal, write_whole
from orchestration.erasure.scan import Scan


def certificate_of(folder: Path, request_id: str) -> Path:
    """Return where the certificate of a request stands."""
    return folder / f"{request_id}.json"


def write_certificates(folder: Path, journal: Journal, scan: Scan) -> list[Path]:
    """Write JSON and Markdown for every request of an erasure; return the Markdown files."""
    erased_at = datetime.now(UTC).replace(microsecond=0)
    paths = []
    for asked in journal.asked:
        content = _content(journal, asked, scan, erased_at)
        path = certificate_of(folder, asked.request_id)
        write_whole(path, json.dumps(content, indent=2))
        write_whole(path.with_suffix(".md"), as_markdown(content))
        paths.append(path.with_suffix(".md"))
    return paths


def _content(journal: Journal, asked: Asked, scan: Scan, erased_at: datetime) -> dict[str, Any]:
    steps = journal.steps
    kept = "amounts, dates and currency, of nobody" if steps["accounts"] else "nothing"
    return {
        **asdict(asked),
        "erased_at": erased_at.isoformat(),
        "persons_erased_together": len(journal.persons),
        "identifiers_erased": len(journal.scope.identifiers),
        "identifiers_of_others_too": sum(person.count_shared for person in journal.persons),
        "found": dict(sorted(journal.found.items())),
        "removed": {
            "tables": {**steps["tables"], **steps["ledger"]},
            "landing": steps["landing"],
            "files": steps["files"],
        },
        "kept_of_purchases": kept,
        "not_built_anew": sorted(steps.get("unbuilt", {})),
        "platforms": steps["receipts"],
        "database_bytes_after_compaction": steps["compact"],
        "scan": asdict(scan),
    }


def as_markdown(content: Mapping[str, Any]) -> str:
    """Return a certificate as a page for people."""
    scan = content["scan"]
    lines = [
        f"# Certificate of erasure {content['request_id']}",
        "",
        f"Requested {content['requested_at']}, erased {content['erased_at']}. "
        f"Reason: {content['reason'] or 'none given'}.",
        f"Persons erased together: {content['persons_erased_together']}; the numbers are of all.",
        f"Identifiers: {content['identifiers_erased']} erased, "
        f"{content['identifiers_of_others_too']} that other persons have too stay with them.",
        f"Kept of purchases: {content['kept_of_purchases']}.",
        "",
        "## Stores",
        "",
        "| store | rows found | rows removed or detached |",
        "|---|---:|---:|",
        *_stores(content["found"], content["removed"]),
        "",
        "## Platforms",
        "",
        *_platforms(content["platforms"]),
        "",
        *_unbuilt(content["not_built_anew"]),
        "## Proof",
        "",
        f"{scan['identifiers']} identifiers were looked for in {scan['columns']} text columns of "
        f"{scan['tables']} tables and in {scan['files']} files ({scan['bytes']:,} bytes): found "
        f"in {len(scan['findings'])} places.",
    ]
    return "\n".join(lines) + "\n"


def _unbuilt(steps: Sequence[str]) -> list[str]:
    if not steps:
        return []
    return [
        "## Not built anew",
        "",
        f"These steps failed after the rows were deleted: {', '.join(steps)}. A prediction that "
        "was not trained anew keeps what it learnt, without a row, until its next training.",
        "",
    ]


def _stores(found: Mapping[str, int], removed: Mapping[str, Mapping[str, int]]) -> list[str]:
    tables = removed["tables"]
    lines = [
        f"| {name} | {found.get(name, 0)} | {tables.get(name, 0)} |"
        for name in sorted({*found, *tables})
    ]
    for place in ("landing", "files"):
        lines += [f"| {place}: {name} | | {count} |" for name, count in removed[place].items()]
    return lines


def _platforms(receipts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not receipts:
        return ["No platform ever got them."]
    lines = ["| sync | account | rows | removed | outcome |", "|---|---|---:|---:|---|"]
    for one in receipts:
        outcome = f"{one['outcome']}: {one['reason']}" if one["reason"] else one["outcome"]
        account = one["account"].replace("|", r"\|")
        lines.append(
            f"| {one['sync']} | {account} | {one['rows']} | {one['removed']} | {outcome} |"
        )
    return lines
