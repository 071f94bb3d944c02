"""Say what the rows of a sync look like, for destinations that have to know it beforehand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The name of a sync, its key, and its columns with the types of the model's contract."""

    sync: str = ""
    key: str = ""
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def types(self) -> dict[str, str]:
        """Return the type of every column by its name."""
        return dict(self.columns)
