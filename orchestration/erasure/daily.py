"""Erase once a day whoever asked for it, where somebody decided that this needs no second look."""

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.erasure import command
from orchestration.erasure.command import Pending
from orchestration.erasure.journal import ErasureBusy
from orchestration.settings import InvalidSetting, Settings
from orchestration.warehouse import Warehouse

VARIABLE = "REGULARS_ERASE_PENDING"
DAILY = "daily"
FEW = 20
MOST_SHARE = 0.001

Find = Callable[[Settings], Pending]
Erase = Callable[[Settings, int], int]


@dataclass(frozen=True)
class Outcome:
    """What became of the requests that waited; numbers of requests, and no personal values.

    `unclear` ones name nobody, or several customers. `status` is off, busy (another erasure is
    under way), nothing or erased.
    """

    status: str
    pending: int
    unclear: int
    erased: int = 0
    certificates: tuple[str, ...] = ()


def find_pending(settings: Settings) -> Pending:
    """Return the requests that wait, as they were loaded last."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        return command.find_pending(connection, settings)


def erase_loaded(settings: Settings, most: int) -> int:
    """Erase everybody who asked, unless they are more than `most`; return their number."""
    return command.erase_pending(settings, is_sure=True, most=most)


def erase_daily(
    settings: Settings, find: Find = find_pending, erase: Erase = erase_loaded
) -> Outcome:
    """Erase who asked for it if the environment says so; otherwise only count them.

    Raises TooManyRequests when a file of requests names more people than is usual, InvalidSetting
    when the variable says something else, and what `regulars erase` raises.
    """
    is_wanted = _is_wanted(settings)
    waiting = find(settings)
    requests, unclear = len(waiting.wanted), len(waiting.unclear)
    if not is_wanted:
        return Outcome("off", requests, unclear)
    before = _certificates(settings)
    try:
        erase(settings, max(FEW, int(MOST_SHARE * waiting.customers)))
    except ErasureBusy:
        # This very run may be the one that an erasure builds everything anew with.
        return Outcome("busy", requests, unclear)
    # Those of an erasure that was interrupted are among them, even if they are written again.
    written = tuple(sorted(name for name, _ in _certificates(settings) - before))
    return Outcome("erased" if written else "nothing", requests, unclear, len(written), written)


def _certificates(settings: Settings) -> set[tuple[str, int]]:
    """Return the certificates there are, each with the moment it was written."""
    return {(path.name, path.stat().st_mtime_ns) for path in settings.erasures.glob("*.json")}


def _is_wanted(settings: Settings) -> bool:
    said = settings.variables.get(VARIABLE, "").strip().lower()
    if said not in ("", DAILY):
        msg = f"{VARIABLE} is neither {DAILY} nor empty. Write {DAILY} to erase without a question."
        raise InvalidSetting(msg)
    return said == DAILY
