"""Name everything that can stop a sync, and say whether trying again can help.

ActivationError
├── Terminal                     something must be changed before the next run can succeed
│   ├── InvalidSpecs             an exposure's sync is not usable (all problems at once)
│   ├── MissingSetting           an environment variable has no value
│   ├── UnusableSetting          an environment variable holds something that cannot be used
│   ├── GuardRefused             the run would do harm
│   │   ├── EmptySource          the model is empty while the platform holds rows
│   │   ├── MassRemoval          more removals than the sync allows
│   │   ├── StaleModel           the model was built too long ago
│   │   ├── FailedTests          a dbt test of the model or of its ancestors failed
│   │   ├── ConsentFell          far fewer of the desired rows are allowed than at the last delivery
│   │   ├── UnknownKey           the ledger's digests were made with a key that is not given
│   │   ├── PlanMoved            the plan that was named is not the plan of now
│   │   └── DuplicateKeys        the row key is null or not unique
│   ├── NewsUnreadable           a file landed that nobody can read: it may forbid somebody
│   ├── NotReadable              the platform does not tell who is in a target
│   ├── AuthenticationRefused    the platform does not accept the credentials
│   ├── PlatformRefused          the platform will not do this for this account
│   │   └── ReceiverGone         it said that it is gone for good
│   └── LedgerImbalance          planned rows and their final states do not add up
└── Transient                    the next run tries again by itself
    ├── PlatformUnreachable      no connection, or no answer in time
    ├── PlatformBusy             the platform asks for a longer wait than a run may take
    ├── TargetMissing            the list was deleted at the platform; the next run makes it anew
    └── SyncBusy                 another run of the same sync is under way
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ActivationError(Exception):
    """Stop a sync; the message gives cause and remedy, never a record's values."""


class Terminal(ActivationError):
    """Something must be changed before the next run can succeed."""


class Transient(ActivationError):
    """The next run tries again by itself."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one sync, with the file it is written in and its remedy."""

    file: str
    sync: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.sync}: {self.cause}. {self.remedy}"


class InvalidSpecs(Terminal):
    """Carry every problem found in the syncs of a manifest."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class MissingSetting(Terminal):
    """A setting that a destination needs has no value."""

    def __init__(self, destination: str, variables: Sequence[str]) -> None:
        self.variables = tuple(variables)
        names = ", ".join(self.variables)
        super().__init__(
            f"{destination}: {names} is not set. Set it in the environment or in .env."
        )


class UnusableSetting(Terminal):
    """A setting of a destination holds something that cannot be used."""


def look_first(sync: str) -> str:
    """Return the one way past a guard: name the plan that was looked at."""
    return (
        f"Look at `regulars plan {sync}`; if that is meant, run "
        f"`regulars sync {sync} --plan DIGEST` with the digest it shows."
    )


class GuardRefused(Terminal):
    """The run would do harm and was stopped before anything was sent."""


class EmptySource(GuardRefused):
    """The model is empty while the platform holds rows."""


class MassRemoval(GuardRefused):
    """The plan removes a larger share of the held rows than the sync allows."""


class StaleModel(GuardRefused):
    """The model was built too long before the run's clock."""


class FailedTests(GuardRefused):
    """A dbt test of the model or of one of its ancestors failed."""


class ConsentFell(GuardRefused):
    """Far fewer of the desired rows are allowed than at the last delivery."""


class UnknownKey(GuardRefused):
    """The ledger's digests were made with a key that is not given."""


class PlanMoved(GuardRefused):
    """The plan that was named is not the plan of now."""


class NewsUnreadable(Terminal):
    """A landed file cannot be read, so that nobody knows who has said no since the last build."""


class DuplicateKeys(GuardRefused):
    """The row key of the model is null or not unique."""


class NotReadable(Terminal):
    """The platform does not tell who is in a target."""


class AuthenticationRefused(Terminal):
    """The platform does not accept the credentials."""


class PlatformRefused(Terminal):
    """The platform will not do this for this account."""


class ReceiverGone(PlatformRefused):
    """The platform said that it is gone for good, and is not asked again."""


class LedgerImbalance(Terminal):
    """Planned rows and their final states do not add up."""


class PlatformUnreachable(Transient):
    """No connection, or no answer in time."""


class PlatformBusy(Transient):
    """The platform asks for a longer wait than a run may take."""


class TargetMissing(Transient):
    """The list was deleted at the platform."""


class SyncBusy(Transient):
    """Another run of the same sync is under way."""
