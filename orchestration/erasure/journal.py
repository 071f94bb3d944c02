"""Remember how far an erasure got, so that a killed one goes on where it stopped."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestration.erasure.persons import Person
from orchestration.erasure.scope import Scope

NAME = "open.journal"


class ErasureIncomplete(RuntimeError):
    """Something is left of a person; the journal is kept and the next call goes on."""


class ErasureBusy(RuntimeError):
    """Another process is erasing."""


@dataclass(frozen=True)
class Asked:
    """One request: its number, why, and when; no personal values."""

    request_id: str
    reason: str
    requested_at: str


@dataclass(frozen=True)
class Journal:
    """One erasure under way: whom it is about, in clear, and what came of every finished step."""

    asked: tuple[Asked, ...]
    persons: tuple[Person, ...] = field(repr=False)
    keys: Mapping[str, list[str]] = field(repr=False)
    found: Mapping[str, int]
    steps: Mapping[str, Any] = field(default_factory=dict)

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Return the present and former ids of all persons."""
        return tuple(sorted({one for person in self.persons for one in person.customer_ids}))

    @property
    def scope(self) -> Scope:
        """Return which rows are to be erased."""
        identifiers = {one for person in self.persons for one in person.identifiers}
        return Scope(self.keys, tuple(sorted(identifiers)))

    def finished(self, step: str, result: Any) -> "Journal":
        """Return the journal with one more step done."""
        return replace(self, steps={**self.steps, step: result})


def read_journal(folder: Path) -> Journal | None:
    """Return the erasure that was not finished, if any."""
    path = folder / NAME
    if not path.exists():
        return None
    known = json.loads(path.read_text())
    persons = tuple(
        Person(
            tuple(one["customer_ids"]),
            tuple((kind, value) for kind, value in one["identifiers"]),
            one["count_shared"],
        )
        for one in known["persons"]
    )
    asked = tuple(Asked(**one) for one in known["asked"])
    return Journal(asked, persons, known["keys"], known["found"], known["steps"])


def write_journal(folder: Path, journal: Journal) -> None:
    """Replace the journal in one step; only its owner may read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(folder / NAME, json.dumps(asdict(journal)))


def close_journal(folder: Path) -> None:
    """Delete the journal: with it goes the last place where the persons were known."""
    (folder / NAME).unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there as a whole or not at all, for its owner only."""
    draft = path.with_name(f".{path.name}.draft")
    draft.touch(mode=0o600)
    with draft.open("wb") as handle:
        handle.write(content.encode() if isinstance(content, str) else content)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time erase; raise ErasureBusy for the second."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = "Another process is erasing. Wait until it ends, then run again."
            raise ErasureBusy(msg) from None
        yield
