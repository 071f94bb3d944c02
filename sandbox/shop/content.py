"""Lay out the content library: guides that are free to read, and guides behind a form."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import Calendar, utc_day, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers
from sandbox.shop.rows import Rows
from sandbox.shop.text import digits, joined, picked, texts, timestamps

PHASES = ("awareness", "comparison", "decision", "care")
TRAITS = ("neutral", "current", "specialised", "visual", "self_assessment")
SUBJECTS = (
    *("Choosing a desk", "Oiling wood", "Packing for a week", "Light in small rooms"),
    *("Down or synthetic", "Washing wool", "Tents in the wind", "Chairs for long days"),
)
OUTDATED_DAYS = 900.0


@dataclass(frozen=True)
class Assets:
    """All guides; one entry per guide, the same in every world."""

    number: Integers

    @property
    def asset_id(self) -> pa.Array:
        """The ids of the guides."""
        return joined("guide-", digits(100 + 7 * self.number))

    @property
    def is_gated(self) -> Flags:
        """Whether a form has to be filled in first."""
        return np.asarray(self.number % 3 == 0)

    def published(self, start: float) -> Floats:
        """Return when each guide came out: half of them before the shop opened."""
        return np.asarray(start - 200.0 + 20.0 * self.number)


ASSETS = Assets(np.arange(40))


def asset_rows(calendar: Calendar) -> Rows:
    """Write content.assets; every fifth guide is dated and expires."""
    number, published = ASSETS.number, ASSETS.published(float(calendar.start))
    micros = utc_micros(published)
    subject = picked(texts(SUBJECTS), number % len(SUBJECTS))
    columns = {
        "asset_id": ASSETS.asset_id,
        "title": joined(subject, ", part ", digits(1 + number // len(SUBJECTS))),
        "access": picked(texts(["free", "gated"]), ASSETS.is_gated.astype(np.int64)),
        "buying_phase": picked(texts(PHASES), number % len(PHASES)),
        "trait": picked(texts(TRAITS), number % len(TRAITS)),
        "language": picked(texts(["de", "de", "de", "fr"]), number % 4),
        "published_at": timestamps(micros),
        "expires_at": timestamps(utc_micros(published + OUTDATED_DAYS), number % 5 == 1),
    }
    return Rows(("content", "assets"), columns, utc_day(micros))
