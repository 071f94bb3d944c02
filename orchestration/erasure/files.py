"""Take a person out of what the platform wrote for people to read: exports and logs."""

import shutil
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from orchestration.erasure.journal import write_whole
from orchestration.erasure.scope import Scope
from orchestration.erasure.sought import Sought
from orchestration.settings import Settings

LINES = 100_000


def clean_files(settings: Settings, scope: Scope, customer_ids: Collection[str]) -> dict[str, int]:
    """Delete exports of these customers and log lines that name them; return counts by folder."""
    sought = Sought(scope.needles)
    counts = {
        "exports": _delete_exports(settings.exports, sought, customer_ids),
        "logs": sum(_drop_lines(path, sought) for path in _logs(settings.logs)),
    }
    return {store: count for store, count in counts.items() if count}


def _delete_exports(folder: Path, sought: Sought, customer_ids: Collection[str]) -> int:
    count = 0
    for one in sorted(folder.iterdir()) if folder.is_dir() else []:
        is_named = one.name.startswith(tuple(customer_ids))
        if one.is_dir() and (is_named or any(_tells(path, sought) for path in one.rglob("*"))):
            shutil.rmtree(one)
            count += 1
    return count


def _tells(path: Path, sought: Sought) -> bool:
    return path.is_file() and bool(sought.in_texts([path.read_bytes()]))


def _logs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _drop_lines(path: Path, sought: Sought) -> int:
    """Drop the lines of a log that name somebody; a file without any is not touched."""
    kept, count = [], 0
    with path.open("rb") as handle:
        while lines := list(islice(handle, LINES)):
            theirs = sought.in_texts(lines)
            kept += [line for number, line in enumerate(lines) if number not in theirs]
            count += len(theirs)
    if count:
        write_whole(path, b"".join(kept))
    return count
