"""How well a shop's own rhythm tells the lost from the slow, beside fixed days of silence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt.lifecycle.test_truth import ACCURACY


def measure_lifecycle(size: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the balanced accuracy on the shop that the road of this size left in `folder`.

    The reference is the better of the two fixed rules, 90 and 365 days, on the same customers.
    """
    home = folder / size
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(ACCURACY.format(truth=home / "truth")).fetchall()
    accuracy = dict(found)
    own = accuracy.pop("own_rhythm")
    rule, fixed = max(accuracy.items(), key=lambda one: one[1])
    yield {
        "name": "lapse_balanced_accuracy",
        "value": round(own, 4),
        "unit": "share",
        "size": size,
        "ratio": round(own / fixed, 3),
        "ratio_to": f"{rule.replace('_', ' ')} of silence: {fixed:.4f}",
    }
