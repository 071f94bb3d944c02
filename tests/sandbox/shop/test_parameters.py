"""Tests of the parameters of the world and of changing them."""

from dataclasses import fields

import pytest

from sandbox.shop import ParameterError, ShopParameters
from sandbox.shop.calibration import solved, year2


def test_every_parameter_is_documented_and_inside_its_limits():
    """Each parameter states unit, meaning and limits, and its default respects them."""
    for parameter in fields(ShopParameters):
        low, high = parameter.metadata["limits"]

        assert parameter.metadata["unit"]
        assert parameter.metadata["is"]
        assert parameter.default is None or low <= parameter.default <= high


def test_overrides_change_only_what_they_name():
    """An override leaves all other parameters alone."""
    changed = ShopParameters().with_overrides(["yearly_retention=0.8", "bot_share = 0"])

    expected = ShopParameters().as_dictionary() | {"yearly_retention": 0.8, "bot_share": 0.0}
    assert changed.as_dictionary() == expected


def test_unknown_parameter_names_the_closest():
    """A misspelt name is answered with the name that was probably meant."""
    with pytest.raises(ParameterError, match="Did you mean 'year2_retention'"):
        ShopParameters().with_overrides(["year2retention=0.2"])


@pytest.mark.parametrize("value", ["much", "1.5", "-0.1", "nan", ""])
def test_impossible_value_is_refused(value):
    """A value that is no number or outside the limits names the limits."""
    with pytest.raises(ParameterError, match="from 0 to 1"):
        ShopParameters().with_overrides([f"bot_share={value}"])


def test_assignment_needs_a_sign():
    """A text without an equals sign is answered with the form to use."""
    with pytest.raises(ParameterError, match="NAME=VALUE"):
        ShopParameters().with_overrides(["bot_share"])


@pytest.mark.parametrize("target", [0.15, 0.20, 0.30])
def test_year2_retention_solves_the_share_of_regulars(target):
    """The solved share of regulars gives the second-year retention that was asked for."""
    parameters = solved(ShopParameters().with_overrides([f"year2_retention={target}"]))

    assert year2(parameters) == pytest.approx(target, abs=0.005)


def test_unreachable_retention_is_refused():
    """A second-year retention beyond what regulars can give names the reachable range."""
    with pytest.raises(ParameterError, match="second_purchase_share"):
        solved(ShopParameters().with_overrides(["year2_retention=0.6"]))
