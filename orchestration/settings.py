"""Read every environment variable of the project, in this one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


class InvalidSetting(ValueError):
    """An environment variable holds something that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Where the state lives and what the environment says.

    `variables` holds the REGULARS_* variables by name; secrets are among them, so it is hidden
    from the representation.
    """

    home: Path
    as_of: datetime | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def serving(self) -> Path:
        return self.home / "serving.duckdb"

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def truth(self) -> Path:
        return self.home / "truth"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        return self.home / "dbt"

    @property
    def rates(self) -> Path:
        return self.home / "rates"

    @property
    def outbox(self) -> Path:
        return self.home / "outbox"

    @property
    def exports(self) -> Path:
        return self.home / "exports"

    @property
    def erasures(self) -> Path:
        return self.home / "erasures"

    @property
    def platforms(self) -> Path:
        return self.home / "platforms.sqlite"

    @property
    def summary(self) -> Path:
        return self.home / "summary.json"

    @property
    def report(self) -> Path:
        return self.home / "report.html"

    @property
    def failing_models(self) -> Path:
        return self.home / "failing_models.json"

    @property
    def ledger_key(self) -> Path:
        return self.home / "ledger.key"

    @property
    def memory_limit(self) -> str:
        return self.variables.get("REGULARS_DUCKDB_MEMORY_LIMIT", "40%")

    def create_folders(self) -> None:
        """Make the state folder; DuckDB and dbt retry for a minute when it is missing."""
        for folder in (self.home, self.landing, self.models, self.logs, self.dagster, self.outbox):
            folder.mkdir(parents=True, exist_ok=True)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process.

    Raises InvalidSetting when a variable cannot be used.
    """
    variables = os.environ if environment is None else environment
    home = Path(variables.get("REGULARS_HOME") or CHECKOUT / ".regulars").expanduser().resolve()
    return Settings(
        home=home,
        as_of=_read_time(variables, "REGULARS_AS_OF"),
        variables={
            "REGULARS_FILE_DROP_FOLDER": str(home / "outbox"),
            **{name: value for name, value in variables.items() if name.startswith("REGULARS_")},
        },
    )


def _read_time(variables: Mapping[str, str], name: str) -> datetime | None:
    if not (text := variables.get(name)):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        msg = f"{name} is not a date. Write it as 2026-10-31 or 2026-10-31T12:00:00."
        raise InvalidSetting(msg) from None
