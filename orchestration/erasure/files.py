"""Take a person out of what the platform wrote for people to read: exports and logs."""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from orchestration.erasure.journal import write_whole
from orchestration.erasure.scope import Scope, patterns
from orchestration.settings import Settings


def clean_files(settings: Settings, scope: Scope, customer_ids: Collection[str]) -> dict[str, int]:
    """Delete exports of these customers and log lines that name them; return counts by folder."""
    finders = [re.compile(pattern) for pattern in patterns(scope)]
    counts = {
        "exports": _delete_exports(settings.exports, finders, customer_ids),
        "logs": sum(_drop_lines(path, finders) for path in _logs(settings.logs)),
    }
    return {store: count for store, count in counts.items() if count}


def _delete_exports(
    folder: Path, finders: list[re.Pattern[str]], customer_ids: Collection[str]
) -> int:
    count = 0
    for one in sorted(folder.iterdir()) if folder.is_dir() else []:
        is_named = one.name.startswith(tuple(customer_ids))
        if one.is_dir() and (is_named or any(_tells(path, finders) for path in one.rglob("*"))):
            shutil.rmtree(one)
            count += 1
    return count


def _tells(path: Path, finders: list[re.Pattern[str]]) -> bool:
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="replace").lower()
    return any(finder.search(text) for finder in finders)


def _logs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _drop_lines(path: Path, finders: list[re.Pattern[str]]) -> int:
    """Drop the lines of a log that name somebody; a file without any is not touched."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    kept = [line for line in lines if not any(finder.search(line.lower()) for finder in finders)]
    if len(kept) < len(lines):
        write_whole(path, "".join(kept))
    return len(lines) - len(kept)
