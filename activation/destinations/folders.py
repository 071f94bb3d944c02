"""Put whole files into a folder of this machine."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar

from activation.errors import PlatformRefused

Result = TypeVar("Result")
Fill = Callable[[IO[bytes]], Result]
Alive = Callable[[], None]


class Folder(Protocol):
    """A place where files appear whole or not at all."""

    @property
    def account(self) -> str:
        """Return what tells this place from others; holds no secret."""
        ...

    def has(self, *names: str) -> bool:
        """Say whether all these files are there."""
        ...

    def write(self, name: str, fill: Fill[Result], alive: Alive) -> Result:
        """Have a file filled, put it in place of the former one and return what `fill` returns.

        `alive` is called now and then while that takes long.
        """
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, made when it is missing."""

    path: str

    @property
    def account(self) -> str:
        """Return the path."""
        return self.path

    def has(self, *names: str) -> bool:
        """Say whether all these files are there."""
        return all((Path(self.path) / name).exists() for name in names)

    def write(self, name: str, fill: Fill[Result], alive: Alive) -> Result:
        """Write beside the former file, make that durable, then rename."""
        final = Path(self.path) / name
        part = final.with_name(final.name + ".part")
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w+b") as handle:
                result = fill(handle)
                handle.flush()
                os.fsync(handle.fileno())
            _rename(part, final)
        except OSError as error:
            msg = (
                f"file_drop cannot write {name} ({error.strerror}). "
                "Check REGULARS_FILE_DROP_FOLDER and the space left there."
            )
            raise PlatformRefused(msg) from error
        return result


def _rename(part: Path, final: Path) -> None:
    """Put a finished file in place and make the folder's entry durable where that is possible."""
    os.replace(part, final)
    with suppress(OSError):
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
