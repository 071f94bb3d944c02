"""Print one JSON line per figure: name, value, unit, size, and the ratio to a named reference."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.activation import measure_activation
from tests.benchmarks.crashes import measure_crashes
from tests.benchmarks.delivery_memory import measure_memory
from tests.benchmarks.erasure import measure_erasure
from tests.benchmarks.identity import measure_identity
from tests.benchmarks.lifecycle import measure_lifecycle
from tests.benchmarks.linkage import measure_linkage
from tests.benchmarks.persons import measure_persons
from tests.benchmarks.planning import measure_planning
from tests.benchmarks.rhythm import measure_rhythm
from tests.benchmarks.rivals import measure_rivals
from tests.benchmarks.road import measure_road
from tests.benchmarks.scoring import measure_scoring
from tests.benchmarks.simulator import measure_simulator
from tests.benchmarks.uplift import measure_uplift

SIZES = ("reference", "load")


def main() -> None:
    """Measure everything, or the sizes that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="tiny, demo, reference, load")
    parser.add_argument("--folder", type=Path, help="keep what was built here")
    parser.add_argument(
        "--with-reference",
        action="store_true",
        help="install recordlinkage, pymc-marketing, drt and dlt aside, and measure them, too",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        figures = (
            lambda: measure_simulator(arguments.sizes[0]),
            *(
                lambda size=size, measure=measure: measure(size, folder)
                for size in arguments.sizes
                for measure in (measure_road, measure_persons, measure_lifecycle, measure_uplift)
            ),
            lambda: measure_scoring(arguments.sizes[0], folder),
            measure_planning,
            measure_activation,
            measure_memory,
            measure_crashes,
            lambda: measure_rivals(arguments.with_reference),
            measure_identity,
            lambda: measure_linkage(arguments.with_reference),
            lambda: measure_rhythm(arguments.with_reference),
            lambda: measure_erasure(arguments.sizes[0], folder),
        )
        for measure in figures:
            for figure in measure():
                sys.stdout.write(json.dumps(figure) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
