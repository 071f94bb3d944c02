"""Whether what is foretold comes, tenth by tenth, as sure as the numbers of a shop let it be."""

import numpy as np

# Fewer orders than these are a coin toss: a tenth with fewer is told together with the next one.
ENOUGH_ORDERS = 100


def misses(foretold: np.ndarray, came: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return by how many standard errors each tenth is off by more than a tenth of what came.

    Takes what was foretold of each customer, what came of them, and their orders. The standard
    error is that of the sum that came, from how much the customers differ in it.
    """
    steps, rows = [], np.empty(0, dtype=np.int64)
    for tenth in np.array_split(np.argsort(foretold, kind="stable"), 10):
        rows = np.concatenate([rows, tenth])
        if orders[rows].sum() >= ENOUGH_ORDERS:
            steps.append(rows)
            rows = rows[:0]
    off = [abs(foretold[step].sum() - came[step].sum()) - 0.1 * came[step].sum() for step in steps]
    errors = [came[step].std() * np.sqrt(len(step)) for step in steps]
    return np.array(off) / errors
