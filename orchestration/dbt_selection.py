"""Choose the data tests of a step: those of which everything is built when it ends."""

from collections.abc import Collection, Mapping
from typing import Any


def data_tests_of(names: Collection[str], manifest: Mapping[str, Any]) -> list[str]:
    """Return the full names of the tests that a step with these nodes can run.

    Takes full names (their parts joined by dots) and dbt's manifest. A test reads at least one of
    the nodes, and none that comes after them in another step: whatever lies downstream of a node
    of this step is not built yet, or is of yesterday. So a test of models of several steps runs
    once, with the last of them.
    """
    nodes, children = manifest["nodes"], manifest["child_map"]
    mine = {unique_id for unique_id, node in nodes.items() if _name(node) in names}
    later, waiting = set[str](), list(mine)
    while waiting:
        found = set(children.get(waiting.pop(), ())) - later
        later |= found
        waiting += found
    later -= mine
    return sorted(
        _name(node)
        for node in nodes.values()
        if node["resource_type"] == "test"
        and not mine.isdisjoint(read := node["depends_on"]["nodes"])
        and later.isdisjoint(read)
    )


def _name(node: Mapping[str, Any]) -> str:
    return ".".join(node["fqn"])
