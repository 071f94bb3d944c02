"""What makes one person of records, on graphs small enough to decide by hand."""

from dataclasses import dataclass
from itertools import pairwise

import pytest

APART = 100_000


@dataclass(frozen=True)
class Case:
    """Claims about nodes 1 to `count`, and the persons they are to become."""

    title: str
    count: int
    claims: list
    persons: list


def value(key, *nodes, level=1):
    """Claim that nodes bear one value."""
    return [(node, "value", level, key, "", 0) for node in nodes]


def account(node, name):
    """Claim that a node is of an account, of which a person has one."""
    return [(node, "limit", 0, "account", name, 1)]


def limits(level, *names):
    """Claim that each of the first nodes has one of a thing, as far as a level is concerned."""
    return [(node, "limit", level, "thing", name, 1) for node, name in enumerate(names, 1)]


def separate(key, first, second):
    """Declare two nodes to be two persons."""
    return [(first, "separate", 0, key, "a", 1), (second, "separate", 0, key, "b", 1)]


def chain(nodes, level=1):
    """Tie each node to the next."""
    return [
        claim
        for place, pair in enumerate(pairwise(nodes))
        for claim in value(f"chain{place}", *pair, level=level)
    ]


TWO_ACCOUNTS = account(1, "anna") + account(2, "paul")
LONG = [1 + place * 377 % 1000 for place in range(1000)]
CASES = (
    Case(
        "values join over any number of steps; who shares nothing is alone",
        7,
        value("e1", 1, 4) + value("p1", 4, 2, level=2) + value("e2", 5, 6),
        [[1, 2, 4], [3], [5, 6], [7]],
    ),
    Case(
        "a value that would join two accounts joins nobody, not even a third record",
        4,
        TWO_ACCOUNTS + value("phone", 1, 2, 3, level=3) + value("mail", 1, 4, level=2),
        [[1, 4], [2], [3]],
    ),
    Case(
        "a limit that no single value breaks is kept over several steps too",
        4,
        account(1, "anna") + account(4, "paul") + chain([1, 2, 3, 4], level=4),
        [[1], [2], [3], [4]],
    ),
    Case(
        "stronger values go first: the mailbox wins over the telephone that contradicts it",
        3,
        TWO_ACCOUNTS + value("mail", 2, 3, level=2) + value("phone", 1, 3, level=3),
        [[1], [2, 3]],
    ),
    Case(
        "a limit that is kept from a level on lets stronger values through",
        3,
        limits(4, "a", "b", "c") + value("phone", 1, 2, level=3) + value("device", 2, 3, level=4),
        [[1, 2], [3]],
    ),
    Case(
        "whoever is like two known people is neither, and like one known person is that one",
        5,
        limits(9, "1", "2")
        + value("link|1|3", 1, 3, level=9)
        + value("link|2|3", 2, 3, level=9)
        + [(4, "limit", 9, "thing", "4", 1)]
        + value("link|4|5", 4, 5, level=9),
        [[1], [2], [3], [4, 5]],
    ),
    Case(
        "two accounts in one name are one person",
        2,
        account(1, "anna") + account(2, "anna") + value("mail", 1, 2, level=2),
        [[1, 2]],
    ),
    Case(
        "a declared join beats every limit, and does not block what either account is joined to",
        3,
        TWO_ACCOUNTS + value("override|1", 1, 2, level=0) + value("mail", 2, 3, level=2),
        [[1, 2, 3]],
    ),
    Case(
        "a third account stays out of two that were declared to be one",
        3,
        TWO_ACCOUNTS
        + account(3, "eve")
        + value("override|1", 1, 2, level=0)
        + value("phone", 2, 3, level=3),
        [[1, 2], [3]],
    ),
    Case(
        "declared strangers part and take along what is nearer; the middle goes with the first",
        5,
        separate("override|1", 1, 5) + chain([1, 2, 3, 4, 5]),
        [[1, 2, 3], [4, 5]],
    ),
    Case(
        "several declarations about one person all hold",
        4,
        value("mail", 1, 2, 3, 4)
        + separate("override|1", 1, 2)
        + separate("override|2", 2, 3)
        + separate("override|3", 1, 3),
        [[1, 4], [2], [3]],
    ),
    Case("a chain of a thousand in an unhelpful order", 1000, chain(LONG), [[*range(1, 1001)]]),
    Case("one value on five thousand", 5000, value("hub", *range(1, 5001)), [[*range(1, 5001)]]),
    Case(
        "a hub between many accounts glues none of them together",
        300,
        [claim for node in range(1, 101) for claim in account(node, f"name {node}")]
        + value("hub", *range(1, 301), level=3),
        [[node] for node in range(1, 301)],
    ),
)


@pytest.fixture(scope="module")
def decided(make_graph):
    """The persons of every case, decided in one run."""
    graph = make_graph()
    nodes, claims = [], []
    for place, case in enumerate(CASES):
        offset = place * APART
        nodes += range(offset + 1, offset + case.count + 1)
        claims += [
            (offset + node, kind, level, f"{place}|{key}" if kind != "limit" else key, text, most)
            for node, kind, level, key, text, most in case.claims
        ]
    graph.state(nodes, claims)
    return graph.decide()


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.title for case in CASES])
def test_claims_become_persons(decided, place):
    """A person is named after their smallest node."""
    offset = place * APART
    groups = {}
    for node, person in decided.items():
        if node // APART == place:
            groups.setdefault(person - offset, []).append(node - offset)

    assert sorted(sorted(group) for group in groups.values()) == CASES[place].persons
    assert all(person == min(group) for person, group in groups.items())
