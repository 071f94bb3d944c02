"""How probabilities of links are learned, and where the threshold is drawn."""

import numpy as np
import pandas as pd
import pytest

from ml.linking.calibration import choose_threshold
from ml.linking.spellings import group_equal, unswap_names
from ml.linking.training import SMALLEST_M, Level, learn


def test_the_threshold_is_the_lowest_that_keeps_the_mean():
    """Ties stay together, and nothing below the floor ever links."""
    chances = np.array([0.99, 0.99, 0.97, 0.97, 0.9, 0.6])

    assert choose_threshold(chances, target=0.98, lowest=0.5) == 0.97
    assert choose_threshold(chances, target=0.96, lowest=0.5) == 0.9
    assert choose_threshold(chances, target=0.90, lowest=0.5) == 0.6
    assert choose_threshold(chances, target=0.90, lowest=0.8) == 0.9
    assert choose_threshold(chances, target=0.995, lowest=0.5) is None
    assert choose_threshold(chances[:0], target=0.9, lowest=0.5) is None


def levels(field: str, *chances: float) -> list[Level]:
    """Return the levels of a field, lowest first, with their chances in random pairs."""
    return [Level(field, value, "", None, u) for value, u in enumerate(chances)]


def test_what_was_mixed_is_found_again_without_labels():
    """From counts of agreement alone: 200 of 2,000 pairs match, and agree in 9 of 10 cases."""
    told = levels("last_name", 0.95, 0.05) + levels("address", 0.98, 0.02)
    match, chance = ({0: 0.1, 1: 0.9}, {0: 0.1, 1: 0.9}), ({0: 0.95, 1: 0.05}, {0: 0.98, 1: 0.02})
    patterns = pd.DataFrame(
        [
            {
                "level_last_name": name, "level_address": address,
                "pairs": 200 * match[0][name] * match[1][address]
                + 1800 * chance[0][name] * chance[1][address],
            }
            for name in (0, 1) for address in (0, 1)
        ]
    )  # fmt: skip

    learned = {(one.field, one.value): one.m for one in learn(told, {"first_name": patterns})}

    assert learned["last_name", 1] == pytest.approx(0.9, abs=0.01)
    assert learned["address", 1] == pytest.approx(0.9, abs=0.01)


def test_a_level_that_dies_out_stays_possible():
    """No pair of one person has it; it is rare, not impossible, and no error."""
    told = levels("last_name", 0.9, 0.1) + levels("address", 0.999, 0.001)
    patterns = pd.DataFrame(
        {"level_last_name": [1, 0], "level_address": [1, 0], "pairs": [100, 100_000]}
    )

    learned = learn(told, {"first_name": patterns})

    assert [one.m for one in learned if one.value == 0] == [SMALLEST_M, SMALLEST_M]


def test_swapped_names_are_recognised_by_the_others():
    """What is a last name everywhere else is one here, even where the first name is mistyped."""
    usual = [("anna", "keller"), ("paul", "keller"), ("anna", "vogt"), ("paul", "vogt")] * 5
    names = [*usual, ("keller", "anna"), ("vogt", "pxul"), ("otto", "otto"), (None, "keller")]
    records = pd.DataFrame(names, columns=["first_name", "last_name"], dtype="str")

    mended = unswap_names(records).iloc[len(usual) :]

    assert mended["first_name"].fillna("").tolist() == ["anna", "pxul", "otto", ""]


def test_equal_records_are_compared_once():
    """Unless they are linkable: those each have a link of their own to find."""
    records = pd.DataFrame(
        {
            "is_linkable": [False, False, True, True, False],
            "last_name": ["vogt", "vogt", "vogt", "vogt", None],
        }
    )

    unit = group_equal(records, ["last_name"])

    assert unit[0] == unit[1]
    assert len(set(unit)) == 4
