"""Draw random numbers that depend on nothing but the seed, a name and a key."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]

SPREADING = 1.0968249796946278  # the positive root of x**8 = x + 1
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mixed(values: Keys) -> Keys:
    """Scramble 64-bit integers one to one (the splitmix64 finaliser of Steele, Lea and Flood)."""
    scrambled = values ^ (values >> np.uint64(30))
    scrambled *= np.uint64(0xBF58476D1CE4E5B9)
    scrambled ^= scrambled >> np.uint64(27)
    scrambled *= np.uint64(0x94D049BB133111EB)
    scrambled ^= scrambled >> np.uint64(31)
    return scrambled


def combined(keys: Keys, number: Integers | int) -> Keys:
    """Derive one new key per pair of a key and a number."""
    return mixed(keys * GOLDEN + np.asarray(number).astype(np.uint64) + np.uint64(1))


@dataclass(frozen=True)
class Draws:
    """Random numbers without a sequence: the same name and key give the same number.

    So a world may be cut at any day, in any order and on any number of processes
    without changing what happened in it.
    """

    seed: int

    def bits(self, name: str, keys: Keys) -> Keys:
        """Return 64 random bits per key."""
        text = f"{self.seed}/{name}".encode()
        (salt,) = struct.unpack("<Q", hashlib.blake2b(text, digest_size=8).digest())
        return mixed(keys * GOLDEN + np.uint64(salt))

    def uniform(self, name: str, keys: Keys) -> Floats:
        """Return one float in [0, 1) per key."""
        return np.asarray((self.bits(name, keys) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)

    def even(self, name: str, positions: Integers, dimension: int) -> Floats:
        """Return floats in [0, 1) that fill the interval evenly along consecutive positions.

        Up to seven dimensions may be combined (Roberts' additive sequence with a shift per seed):
        a small world then keeps the shares that a large one has, in every cohort.
        """
        shift = self.uniform(name, np.array([dimension], dtype=np.uint64))
        return np.asarray((shift + positions * SPREADING ** -(dimension + 1.0)) % 1.0)

    def happens(self, name: str, keys: Keys, probability: Floats | float) -> Flags:
        """Return whether an event of the given probability happens, per key."""
        return np.asarray(self.uniform(name, keys) < probability)

    def whole(self, name: str, keys: Keys, count: Integers | int) -> Integers:
        """Return one integer in [0, count) per key."""
        return (self.uniform(name, keys) * count).astype(np.int64)

    def choice(self, name: str, keys: Keys, weights: Sequence[float] | Floats) -> Integers:
        """Return one position per key, drawn in proportion to the weights."""
        cumulated = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(cumulated / cumulated[-1], self.uniform(name, keys), side="right")

    def between(self, name: str, keys: Keys, low: float, high: float) -> Floats:
        """Return one float in [low, high) per key."""
        return low + (high - low) * self.uniform(name, keys)

    def exponential(self, name: str, keys: Keys, mean: Floats | float = 1.0) -> Floats:
        """Return one exponential waiting time per key."""
        return -mean * np.log1p(-self.uniform(name, keys))

    def normal(self, name: str, keys: Keys) -> Floats:
        """Return one standard normal number per key (Box and Muller)."""
        radius = np.sqrt(2.0 * self.exponential(f"{name}/radius", keys))
        return np.asarray(radius * np.cos(2.0 * np.pi * self.uniform(f"{name}/angle", keys)))

    def poisson(self, name: str, keys: Keys, mean: Floats | float) -> Integers:
        """Return one Poisson count per key by inversion; means up to about 500."""
        level = self.uniform(name, keys)
        means = np.broadcast_to(np.asarray(mean, dtype=np.float64), level.shape)
        counts = np.zeros(level.shape, dtype=np.int64)
        probability = np.exp(-means)
        level = level - probability
        for number in range(1, 1000):
            pending = np.flatnonzero((level >= 0) & (probability + (number <= means) > 1e-15))
            if not len(pending):
                break
            counts[pending] += 1
            probability[pending] *= means[pending] / number
            level[pending] -= probability[pending]
        return counts
