"""Rows sent twice and rows lost when a delivery is killed, by the step at which it died."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.activation.crashes import CELLS, ROWS, crash


def measure_crashes() -> Iterator[dict[str, Any]]:
    """Yield one figure per destination and point: rows repeated beside the rows in flight."""
    with tempfile.TemporaryDirectory() as folder:
        for vendor, point in CELLS:
            cell = crash(vendor, point, Path(folder))
            yield {
                "name": f"killed_{point}_{vendor}",
                "value": cell.resent,
                "unit": "rows sent again",
                "size": f"{ROWS} rows, {cell.lost} lost",
                "ratio": round(cell.resent / cell.in_flight, 2),
                "ratio_to": f"{cell.in_flight} rows in flight",
            }
