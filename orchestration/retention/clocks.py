"""Read how many days each category of data is kept, as the dbt project says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import yaml

from orchestration.contracts import TableContract
from orchestration.project import DBT_PROJECT

OF_THE_STATE = (
    "quarantine", "logs", "exports", "model_versions", "run_history", "former_recipients",
)  # fmt: skip
"""Categories that no source table belongs to."""

LONGEST_LOOK_BACK = 451
"""Days that int_feature_spine reaches back: four steps of 90 days, and 91 days of visits."""

LOOKED_AT = frozenset({"web_behaviour", "mail_behaviour"})
"""Categories that features of past dates are counted from."""


class InvalidClocks(ValueError):
    """The var `retention_days` cannot be used."""


@dataclass(frozen=True)
class Clock:
    """For how many days a category is kept; without days it is kept until somebody decides."""

    category: str
    days: int | None

    def cut(self, now: datetime) -> datetime | None:
        """Return the moment before which everything is due."""
        return None if self.days is None else now - timedelta(days=self.days)

    @property
    def note(self) -> str:
        """Say what a clock costs that is shorter than what is read."""
        if self.category == "former_recipients" and self.days is not None:
            return "who is forgotten here cannot be deleted at the platform any more"
        if self.days is None or self.category not in LOOKED_AT or self.days >= LONGEST_LOOK_BACK:
            return ""
        return (
            f"shorter than the {LONGEST_LOOK_BACK} days that models learn from: features of past "
            "dates count only what is left"
        )


def read_clocks(contracts: Iterable[TableContract]) -> dict[str, Clock]:
    """Return the clock of every category.

    Raises InvalidClocks when a category has none, or when one is no number of days.
    """
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
    stated: Mapping[str, object] = project["vars"].get("retention_days") or {}
    return check_clocks(stated, contracts)


def check_clocks(
    stated: Mapping[str, object], contracts: Iterable[TableContract]
) -> dict[str, Clock]:
    """Return the clocks out of what is stated, by category; raise InvalidClocks."""
    used = {one.retention.category for one in contracts if one.retention}
    known = {*OF_THE_STATE, *used}
    for name in sorted(known ^ stated.keys()):
        what = "has no clock" if name in known else "is no category"
        msg = f"retention_days: {name} {what}. Mend the var in dbt_project/dbt_project.yml."
        raise InvalidClocks(msg)
    clocks = {}
    for name, days in stated.items():
        is_number = isinstance(days, int) and not isinstance(days, bool) and days > 0
        if days is not None and not is_number:
            msg = f"retention_days: {name} is no number of days. Write e.g. 460, or null for never."
            raise InvalidClocks(msg)
        clocks[name] = Clock(name, days if isinstance(days, int) else None)
    return clocks
