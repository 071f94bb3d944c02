"""Fixed request windows, as vendors count them: so many per second, so many per minute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in each window of `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request fits, the limits it was held against, and what is left of the tightest."""

    allowed: bool
    limits: tuple[Limit, ...]
    remaining: int
    reset_seconds: int


class Windows:
    """Count requests per bucket; the counts live in memory and start afresh with the server."""

    def __init__(self, factor: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._factor = factor
        self._clock = clock
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def take(self, bucket: str, limits: tuple[Limit, ...]) -> Verdict:
        """Count one request against every limit of the bucket, unless one is used up."""
        now = self._clock()
        scaled = tuple(Limit(max(1, round(i.count * self._factor)), i.seconds) for i in limits)
        used = [self._used(bucket, limit, now) for limit in scaled]
        full = [limit for limit, count in zip(scaled, used, strict=True) if count >= limit.count]
        if full:
            wait = max(limit.seconds - now % limit.seconds for limit in full)
            return Verdict(False, scaled, 0, max(1, math.ceil(wait)))
        for limit, count in zip(scaled, used, strict=True):
            self._counts[bucket, limit.seconds] = (int(now // limit.seconds), count + 1)
        left, tightest = min(
            (limit.count - count - 1, limit.seconds)
            for limit, count in zip(scaled, used, strict=True)
        )
        return Verdict(True, scaled, left, max(1, math.ceil(tightest - now % tightest)))

    def _used(self, bucket: str, limit: Limit, now: float) -> int:
        window, count = self._counts.get((bucket, limit.seconds), (-1, 0))
        return count if window == int(now // limit.seconds) else 0
