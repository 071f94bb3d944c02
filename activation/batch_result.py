"""What became of one batch."""

from dataclasses import dataclass, field

from activation.destinations.base import Settled
from activation.errors import ActivationError


@dataclass
class BatchResult:
    """What became of a batch: rows that were not delivered by number, the rest was delivered.

    `unsent` are messages that the platform certainly has not got: the next run sends them.
    """

    invalid: dict[int, str] = field(default_factory=dict)
    rejected: dict[int, str] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    unsent: dict[int, str] = field(default_factory=dict)
    unattributed: dict[str, int] = field(default_factory=dict)
    delivered: int = 0
    requests: int = 0
    error: ActivationError | None = None

    def exceptions(self) -> dict[int, tuple[str, str]]:
        """Return (state, code) of every row that was not delivered."""
        return {
            number: (state, code)
            for state, rows in (
                ("invalid", self.invalid),
                ("rejected", self.rejected),
                ("unknown", self.unknown),
                ("planned", self.unsent),
            )
            for number, code in rows.items()
        }

    def absorb(self, settled: Settled) -> None:
        """Add what the platform has decided."""
        self.delivered += len(settled.delivered)
        self.invalid |= settled.invalid
        self.rejected |= settled.rejected
        self.unknown |= settled.unknown
        for code, count in settled.unattributed.items():
            self.unattributed[code] = self.unattributed.get(code, 0) + count
