"""What is loaded ahead of time exists."""

import sys

from ml.libraries import load_libraries


def test_libraries_are_there_to_load():
    """A module that moved would stop a run before it begins."""
    load_libraries()

    assert {"ml.recipes", "ml.linking.matching"} <= set(sys.modules)
