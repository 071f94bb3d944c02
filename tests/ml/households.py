"""Mail-order records of people who share addresses: the set that easy benchmarks are not.

One to five people share an address and mostly a last name; records have typing errors, initials,
cut given names, missing house numbers and old addresses; some larger households have two people
of one name, whom nothing here tells apart.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from sandbox.shop import pools

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
FIELDS = ("first_name", "last_name", "house_number", "street", "city", "postal_code")
SIZES, SIZE_WEIGHTS = (1, 2, 3, 4, 5), (35, 32, 15, 13, 5)
Pair = tuple[str, str]


@dataclass(frozen=True)
class Pools:
    """What names and addresses are drawn from; repeated entries are common ones."""

    first_names: Sequence[str]
    last_names: Sequence[str]
    addresses: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Households:
    """Records as `identity_links.link` takes them, and the person of each record key."""

    records: pa.Table
    persons: Mapping[str, str]


def shop_pools() -> Pools:
    """Return the names and streets of the simulated shop, the first ones more common."""
    places = [(place[1], place[0]) for place in pools.PLACES for _ in range(int(place[5]))]
    return Pools(
        _skewed(pools.FIRST_NAMES),
        _skewed(pools.LAST_NAMES),
        [
            (_folded(street), _folded(city), code)
            for street in pools.STREETS
            for city, code in places
        ],
    )


def make_households(count: int, drawn_from: Pools, seed: int) -> Households:
    """Write the records of `count` households; equal arguments give equal records."""
    maker = _Maker(random.Random(seed), drawn_from)
    rows, persons = [], {}
    for household in range(count):
        for person, row in maker.household(household):
            key = f"r{len(rows):06d}"
            persons[key] = person
            rows.append(
                {"source": "mail_order", "source_record_key": key, "is_linkable": True} | row
            )
    return Households(pa.Table.from_pylist(rows), persons)


@dataclass(frozen=True)
class _Maker:
    draw: random.Random
    pools: Pools

    def household(self, number: int) -> Iterable[tuple[str, dict[str, str | None]]]:
        """Yield one person and record after the other."""
        home, last_name = self.address(), self.draw.choice(self.pools.last_names)
        size = self.draw.choices(SIZES, SIZE_WEIGHTS)[0]
        first_names = self.draw.sample(sorted(set(self.pools.first_names)), size)
        if size >= 3 and self.draw.random() < 0.08:
            first_names[1] = first_names[0]
        for member, first_name in enumerate(first_names):
            own = self.draw.random() >= 0.93
            name = self.draw.choice(self.pools.last_names) if own else last_name
            for _ in range(self.draw.choices((1, 2, 3), (45, 40, 15))[0]):
                yield f"p{number}.{member}", self.record(first_name, name, home)

    def address(self) -> dict[str, str | None]:
        """Return somewhere to live."""
        street, city, code = self.draw.choice(self.pools.addresses)
        number = str(self.draw.randrange(1, 200))
        return {"house_number": number, "street": street, "city": city, "postal_code": code}

    def record(self, first: str, last: str, home: dict[str, str | None]) -> dict[str, str | None]:
        """Write down one contact as a clerk or a form does."""
        row = {"first_name": self.shortened(first), "last_name": last, **home}
        for field, chance in (
            ("first_name", 0.12), ("last_name", 0.12), ("street", 0.15), ("postal_code", 0.05),
        ):  # fmt: skip
            if self.draw.random() < chance:
                row[field] = self.mistyped(row[field] or "")
        if self.draw.random() < 0.06:
            row["house_number"] = None
        return row | self.address() if self.draw.random() < 0.04 else row

    def shortened(self, name: str) -> str:
        """Return an initial, a cut name, or mostly the name."""
        level = self.draw.random()
        if level < 0.12:
            return name[0]
        return name[: max(3, len(name) - 3)] if level < 0.19 else name

    def mistyped(self, text: str) -> str:
        """Swap, drop, add or change one letter."""
        if len(text) < 3:
            return text
        at, kind = self.draw.randrange(len(text) - 1), self.draw.random()
        letter, head, tail = self.draw.choice(ALPHABET), text[:at], text[at + 1 :]
        if kind < 0.3:
            return head + tail[0] + text[at] + tail[1:]
        if kind < 0.55:
            return head + tail
        return head + letter + (text[at:] if kind < 0.75 else tail)


@dataclass(frozen=True)
class Agreement:
    """How found pairs agree with true ones."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def measure(found: set[Pair], true: set[Pair]) -> Agreement:
    """Compare sets of sorted pairs."""
    right = len(found & true)
    return Agreement(right / len(found) if found else 0.0, right / len(true))


def true_pairs(persons: Mapping[str, str]) -> set[Pair]:
    """Return all pairs of records of one person."""
    return _pairs_within(persons)


def closed(pairs: Iterable[Pair]) -> set[Pair]:
    """Return every pair that is connected over any number of pairs."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for a, b in pairs:
        parent[root(a)] = root(b)
    return _pairs_within({key: root(key) for key in list(parent)})


def linked_pairs(edges: pa.Table) -> set[Pair]:
    """Return the pairs of record keys that were linked."""
    rows = edges.select(["source_record_key_a", "source_record_key_b", "decision"]).to_pylist()
    return {
        tuple(sorted((row["source_record_key_a"], row["source_record_key_b"])))
        for row in rows
        if row["decision"] == "link"
    }


def _pairs_within(groups: Mapping[str, str]) -> set[Pair]:
    members = defaultdict(list)
    for key, group in groups.items():
        members[group].append(key)
    return {pair for keys in members.values() for pair in combinations(sorted(keys), 2)}


def _skewed(names: Sequence[str]) -> list[str]:
    """Repeat names the more often the earlier they stand, as real names are."""
    return [_folded(name) for rank, name in enumerate(names) for _ in range(1 + 40 // (rank + 4))]


def _folded(text: str) -> str:
    return pools.transliterated(text).lower().replace(" ", "")
