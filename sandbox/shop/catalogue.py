"""Lay out the catalogue: products, their prices and how they replace each other."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys
from sandbox.shop.text import decimals, digits, joined, picked, texts, timestamps

CATEGORIES = ("home", "outdoor", "furniture", "apparel", "care")
FAMILIES = (
    ("Lamp", "Cushion", "Vase", "Candle", "Blanket", "Mug"),
    ("Tent", "Backpack", "Stove", "Sleeping bag", "Bottle", "Headlamp"),
    ("Shelf", "Desk", "Chair", "Table"),
    ("Jacket", "Trousers", "Shirt", "Boots", "Hat"),
    ("Wood oil", "Waterproofing", "Cleaner", "Care box"),
)
ADJECTIVES = (
    *("Alpine", "Nordic", "Classic", "Light", "Urban"),
    *("Forest", "Coast", "Studio", "Trail", "Cosy"),
)
MEDIAN_PRICES = (24.0, 69.0, 189.0, 59.0, 14.0)
REBUY_DAYS = (0, 0, 0, 0, 60)
PER_FAMILY = 16
# The higher, the more of a category's sales its first products have.
POPULARITY_SKEW = 2.2


@dataclass(frozen=True)
class Catalogue:
    """All products; one entry per product, prices in cents, sorted by category."""

    category: Integers
    family: Integers
    price: Integers
    cost: Integers
    launched: Integers
    sku: pa.Array
    name: pa.Array

    def __len__(self) -> int:
        return len(self.price)

    def drawn(self, draws: Draws, name: str, keys: Keys, category: Integers) -> Integers:
        """Draw one product of the given category per key; a few sell most."""
        first = np.searchsorted(self.category, np.arange(len(CATEGORIES)))
        count = np.bincount(self.category, minlength=len(CATEGORIES))
        popular = draws.uniform(name, keys) ** POPULARITY_SKEW
        return first[category] + (popular * count[category]).astype(np.int64)

    @property
    def share(self) -> Floats:
        """How probable it is that `drawn` draws a product of its category."""
        count = np.bincount(self.category, minlength=len(CATEGORIES))[self.category]
        place = np.arange(len(self)) - np.searchsorted(self.category, self.category)
        below, above = (place / count, (place + 1) / count)
        return np.asarray(above ** (1 / POPULARITY_SKEW) - below ** (1 / POPULARITY_SKEW))

    def columns(self) -> dict[str, pa.Array]:
        """Return the table shop.products."""
        family = texts([name for group in FAMILIES for name in group])
        rebuy = np.array(REBUY_DAYS)[self.category]
        price_band = digits(self.price // 4000)
        return {
            "sku": self.sku,
            "name": self.name,
            "category": picked(texts(CATEGORIES), self.category),
            "family": picked(family, self.family),
            "substitutes_group": joined("group-", digits(self.family), "-", price_band),
            "list_price": decimals(self.price, 2),
            "unit_cost": decimals(self.cost, 2),
            "currency_code": pa.repeat(pa.scalar("EUR"), len(self)),
            "is_durable": pa.array(self.is_durable),
            "rebuy_days": pa.array(rebuy, mask=rebuy == 0),
            "launched_at": timestamps(self.launched * 86_400_000_000),
        }

    @property
    def is_durable(self) -> Flags:
        """Whether a product is bought once for years."""
        return np.isin(self.category, (0, 1, 2))


def assortment(draws: Draws, start: int) -> Catalogue:
    """Create the catalogue of the world; `start` is the day number of its opening."""
    families = [name for group in FAMILIES for name in group]
    group_of_family = np.repeat(np.arange(len(FAMILIES)), [len(group) for group in FAMILIES])
    family = np.repeat(np.arange(len(families)), PER_FAMILY)
    category = group_of_family[family]
    keys = np.arange(len(family), dtype=np.uint64)
    price = priced(draws, keys, np.array(MEDIAN_PRICES)[category])
    adjective = texts(ADJECTIVES).take(pa.array(keys % np.uint64(len(ADJECTIVES))))
    variant = texts(["", " II", " Pro", " Mini"]).take(pa.array(keys % np.uint64(4)))
    return Catalogue(
        category=category,
        family=family,
        price=price,
        cost=(price * draws.between("product cost", keys, 0.35, 0.65)).astype(np.int64),
        launched=start - draws.whole("launch", keys, 900),
        sku=joined("SKU-", digits(10_000 + 37 * keys)),
        name=joined(adjective, " ", texts(families).take(pa.array(family)), variant),
    )


def priced(draws: Draws, keys: Keys, median: Floats) -> Integers:
    """Draw list prices in cents that end in 90."""
    price = median * np.exp(0.45 * draws.normal("product price", keys))
    return np.maximum(price.astype(np.int64), 3) * 100 + 90
