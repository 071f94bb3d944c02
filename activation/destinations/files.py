"""Give destinations that write files their shape."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from activation.destinations.capabilities import Capabilities
from activation.destinations.letters import Letters


class FileDestination(Protocol):
    """Write the whole desired set to a file in one atomic step."""

    capabilities: ClassVar[Capabilities]
    settings: Any

    @property
    def account(self) -> str:
        """Return what tells this receiving place from others."""
        ...

    def letters(self, surface: str) -> Letters | None:
        """Return what makes letters out of rows, where the file is for a letter shop."""
        ...

    def is_present(self, name: str) -> bool:
        """Say whether the file is where it was left."""
        ...

    def replace(
        self,
        name: str,
        columns: tuple[str, ...],
        rows: Iterable[Mapping[str, Any]],
        *,
        as_of: datetime,
        alive: Callable[[], None],
        letters: Letters | None,
    ) -> int:
        """Write the rows so that a reader sees the old file or the new one; return their number.

        `alive` is called now and then once all rows are read, as sending them may take long.
        """
        ...
