"""Whatever is claimed, in whatever order and however often it changes: the same persons."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

pytestmark = pytest.mark.slow

WORLDS, RECORDS, APART = 12, 6, 100
KINDS = st.one_of(
    st.tuples(st.just("value"), st.integers(1, 4), st.integers(0, 1)),
    st.tuples(st.just("account"), st.sampled_from((1, 3)), st.integers(0, 2)),
    st.tuples(st.just("join"), st.just(0), st.integers(0, 1)),
    st.tuples(st.just("separate"), st.just(0), st.integers(0, 1)),
)
# What somebody says of a record: the world, the record, and a kind with its level and number.
STATEMENTS = st.lists(
    st.tuples(st.integers(0, WORLDS - 1), st.integers(1, RECORDS), KINDS), min_size=40, max_size=160
)


def claims_of(statements):
    """Write statements as claims; a declaration separates at most two records."""
    claims, sides = set(), {}
    for world, record, (kind, level, number) in sorted(statements):
        node = world * APART + record
        if kind == "value":
            claims.add((node, "value", level, f"{world}|{level}|{number}", "", 0))
        elif kind == "account":
            claims.add((node, "limit", level, f"account {level}", f"name {number}", 1))
        elif kind == "join":
            claims.add((node, "value", 0, f"{world}|join {number}", "", 0))
        elif len(sides.setdefault((world, number), [])) < 2:
            side = "ab"[len(sides[world, number])]
            sides[world, number].append(node)
            claims.add((node, "separate", 0, f"{world}|separate {number}", side, 1))
    return claims


def renumbered(claims):
    """Return the same claims about records that arrived in the opposite order."""
    offset = (WORLDS + 1) * APART
    return {
        (offset + node // APART * APART + APART - 1 - node % APART, kind, level,
         f"again {key}" if kind != "limit" else key, text, most)
        for node, kind, level, key, text, most in claims
    }  # fmt: skip


def groups(persons, nodes):
    """Return the persons that nodes belong to, as sets."""
    found = {}
    for node in nodes:
        found.setdefault(persons[node], set()).add(node)
    return {frozenset(group) for group in found.values()}


def expected(nodes, claims):
    """Decide by the definition, one level after the other, every value looked at by hand."""
    person = {node: node for node in nodes}
    limits = {}
    for node, kind, since, key, text, _ in claims:
        if kind == "limit":
            limits.setdefault(node, set()).add((since, key, text))
    for level in range(5):
        bearers = {}
        for node, kind, at, key, _, _ in claims:
            if kind == "value" and at == level:
                bearers.setdefault(key, set()).add(person[node])
        owned = {}
        for node, held in limits.items():
            kept = {(key, text) for since, key, text in held if since <= level}
            owned.setdefault(person[node], set()).update(kept)
        if level:
            bearers = {key: who for key, who in bearers.items() if not breaks(who, owned)}
        joined = merged(bearers)
        if level:
            wrong = {node for group in joined if breaks(group, owned) for node in group}
            joined = merged({key: who for key, who in bearers.items() if not who & wrong})
        root = {node: min(group) for group in joined for node in group}
        person = {node: root.get(one, one) for node, one in person.items()}
    return person


def breaks(persons, owned):
    """Tell whether persons together have more of a kind than one, and than each of them."""
    own = [owned.get(one, set()) for one in persons]
    for key in {key for held in own for key, _ in held}:
        counts = [sum(kind == key for kind, _ in held) for held in own]
        together = sum(kind == key for kind, _ in set().union(*own))
        if together > 1 and together > max(counts):
            return True
    return False


def merged(bearers):
    """Merge overlapping sets."""
    result = []
    for group in bearers.values():
        apart = [other for other in result if not other & group]
        result = [*apart, set(group).union(*(other for other in result if other & group))]
    return result


def machine(make_graph):
    """Return a machine that states, revokes and decides on one graph."""

    class Statements(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.graph, self.stated = make_graph(), set()

        @rule(stated=STATEMENTS, kept=st.integers(0, 3), worlds=st.sets(st.integers(0, WORLDS - 1)))
        def decide(self, stated, kept, worlds):
            """Forget some of what was said in `worlds`, say more, compare all ways to decide it."""
            forgotten = {one for one in self.stated if one[0] in worlds and one[1] % 4 >= kept}
            self.stated = (self.stated - forgotten) | set(stated)
            first = claims_of(self.stated)
            claims = first | renumbered(first)
            nodes = {claim[0] for claim in claims}
            self.graph.state(nodes, claims)
            step_by_step = self.graph.decide()

            assert step_by_step == self.graph.decide("--full-refresh")
            self.check_definition(step_by_step, claims)
            self.check_order(step_by_step, first)
            self.check_declarations(step_by_step, claims)

        def check_definition(self, found, claims):
            cut = {claim[0] // APART for claim in claims if claim[1] == "separate"}
            whole = {claim for claim in claims if claim[0] // APART not in cut}
            nodes = {claim[0] for claim in whole}
            assert groups(found, nodes) == groups(expected(nodes, whole), nodes)

        def check_order(self, found, first):
            nodes = {claim[0] for claim in first}
            offset = (WORLDS + 1) * APART
            mirror = {node: offset + node // APART * APART + APART - 1 - node % APART
                      for node in nodes}  # fmt: skip
            mirrored = {frozenset(mirror[node] for node in group) for group in groups(found, nodes)}
            assert mirrored == groups(found, mirror.values())

        def check_declarations(self, found, claims):
            sides = {}
            for node, kind, _, key, _, _ in claims:
                if kind == "separate":
                    sides.setdefault(key, []).append(found[node])
            assert all(len(set(who)) == len(who) for who in sides.values())

    return Statements


def test_persons_are_the_same_however_they_come_about(make_graph):
    """Incremental and full, by definition, in any order of arrival; declarations always hold."""
    some = settings(
        max_examples=3,
        stateful_step_count=3,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(make_graph), settings=some)
