"""Simulate a shop: silos of messy source data that land day by day, with known truth."""

from sandbox.shop.manifest import LandingError
from sandbox.shop.parameters import ParameterError, ShopParameters
from sandbox.shop.simulation import Summary, generate
from sandbox.shop.world import DEFAULT_UNTIL, SIZES

__all__ = [
    "DEFAULT_UNTIL",
    "SIZES",
    "LandingError",
    "ParameterError",
    "ShopParameters",
    "Summary",
    "generate",
]
