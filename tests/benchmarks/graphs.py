"""Draw an identity graph: persons of very different sizes, chains, and a little noise."""

from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]


def draw_graph(path: Path, count: int, seed: int = 42) -> None:
    """Write `bearers` (node_id, value), star `edges` (node_a, node_b) and `nodes` to a database.

    Every record has a value of its own and up to three of an earlier record of the person; sizes
    of persons follow Zipf's law up to 300 records. One record in twenty stands in a chain of 50 to
    200, half of which arrived in order. One in 2,000 shares a device with a stranger.
    """
    generator = np.random.default_rng(seed)
    in_persons = count - count // 20
    record, value = _persons(generator, in_persons)
    chained, former, ordered = _chains(generator, in_persons, count)
    record = np.concatenate([np.arange(count), record, chained])
    value = np.concatenate([np.arange(count), value, former])
    arrival = generator.permutation(count) + 1
    for chain in ordered:
        arrival[chain] = np.sort(arrival[chain])
    drawn = pa.table({"node_id": arrival[record], "value": 10**10 + arrival[value]})
    with duckdb.connect(str(path)) as connection:
        connection.execute("set threads = 2; set preserve_insertion_order = false")
        connection.register("drawn", drawn)
        connection.execute("create table bearers as select distinct node_id, value from drawn")
        connection.execute(
            f"create table nodes as select range as node_id from range(1, {count + 1})"
        )
        connection.execute(
            "create table edges as select distinct lowest as node_a, node_id as node_b from "
            "bearers join (select value, min(node_id) as lowest from bearers group by value "
            "having count(*) > 1) using (value) where node_id <> lowest"
        )


def _persons(generator: np.random.Generator, count: int) -> tuple[Numbers, Numbers]:
    """Tie records to earlier ones of their person, mostly to the first."""
    sizes = np.minimum(generator.zipf(1.9, size=count), 300)
    ends = np.cumsum(sizes)
    sizes = np.diff(np.minimum(ends, count), prepend=0)
    sizes = sizes[sizes > 0]
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(count) - start
    later = np.flatnonzero(place > 0)
    draw = generator.random(len(later))
    any_earlier = start[later] + (generator.random(len(later)) * place[later]).astype(np.int64)
    target = np.where(draw < 0.6, start[later], np.where(draw < 0.9, any_earlier, later - 1))
    records, values = [later], [target]
    for share in (0.3, 0.1):
        more = later[generator.random(len(later)) < share]
        records.append(more)
        values.append(start[more] + (generator.random(len(more)) * place[more]).astype(np.int64))
    strange = np.flatnonzero(generator.random(count) < 0.0005)
    records.append(strange)
    values.append(generator.integers(0, count, len(strange)))
    return np.concatenate(records), np.concatenate(values)


def _chains(
    generator: np.random.Generator, first: int, end: int
) -> tuple[Numbers, Numbers, list[Numbers]]:
    """Cut the records from `first` to `end` into chains; returns those in order of arrival too."""
    cuts = np.cumsum(generator.integers(50, 201, (end - first) // 50 + 1))
    chains = np.split(np.arange(first, end), cuts[cuts < end - first])
    records = np.concatenate([chain[1:] for chain in chains])
    return records, records - 1, chains[::2]
