"""Fill the baskets of orders and receipts: lines, prices and discounts that add up to the cent."""

from dataclasses import dataclass

import numpy as np

from sandbox.shop.block import Block
from sandbox.shop.catalogue import CATEGORIES
from sandbox.shop.draws import Flags, Integers, Keys, combined

CATEGORY_WEIGHTS = (30, 22, 12, 28, 8)
FAVOURITE_SHARE = 0.65
APPAREL = CATEGORIES.index("apparel")
SHIPPING_CENTS = 490
FREE_SHIPPING_CENTS = 6000
NO_PRODUCT = -1


@dataclass(frozen=True)
class Lines:
    """One entry per line, sorted by basket; amounts in cents, `product` -1 marks shipping."""

    basket: Integers
    line: Integers
    product: Integers
    quantity: Integers
    unit_price: Integers
    discount: Integers
    net: Integers

    def totals(self, count: int) -> Integers:
        """Return the net sum of every basket in cents."""
        return np.bincount(self.basket, weights=self.net, minlength=count).astype(np.int64)


def filled(
    block: Block, keys: Keys, person: Integers, discount_rate: Integers, extra_line: Flags
) -> Lines:
    """Fill one basket per key; a negative person has average taste, rates are in percent."""
    count = 1 + np.minimum(block.draws.poisson("lines", keys, 1.0), 5)
    count = np.maximum(count, 1 + extra_line)
    basket = np.repeat(np.arange(len(keys)), count)
    line = np.arange(len(basket)) - np.repeat(np.cumsum(count) - count, count) + 1
    line_keys = combined(keys[basket], line)
    product = chosen_products(block, line_keys, person[basket])
    quantity = 1 + (block.draws.uniform("quantity", line_keys) > 0.86)
    quantity += 2 * (block.draws.uniform("more", line_keys) > 0.97)
    price = block.catalogue.price[product]
    discount = price * quantity * discount_rate[basket] // 100
    return Lines(basket, line, product, quantity, price, discount, price * quantity - discount)


def first_category(block: Block, keys: Keys, person: Integers) -> Integers:
    """Return the category of the first line that every basket will have."""
    return block.catalogue.category[chosen_products(block, combined(keys, 1), person)]


def chosen_products(block: Block, line_keys: Keys, person: Integers) -> Integers:
    """Draw products: two of three lines from the favourite category of the buyer."""
    draws = block.draws
    anything = draws.choice("category", line_keys, CATEGORY_WEIGHTS)
    likes = draws.happens("likes", line_keys, FAVOURITE_SHARE) & (person >= 0)
    category = np.where(likes, block.people.favourite[person], anything)
    return block.catalogue.drawn(draws, "product", line_keys, category)


def with_shipping(lines: Lines, count: int) -> Lines:
    """Add a shipping line to every basket below the limit."""
    totals = lines.totals(count)
    paying = np.flatnonzero(totals < FREE_SHIPPING_CENTS)
    last = np.zeros(count, dtype=np.int64)
    np.maximum.at(last, lines.basket, lines.line)
    ones = np.ones(len(paying), dtype=np.int64)
    price = ones * SHIPPING_CENTS
    added = Lines(paying, last[paying] + 1, ones * NO_PRODUCT, ones, price, ones * 0, price)
    pairs = zip(vars(lines).values(), vars(added).values(), strict=True)
    merged = [np.concatenate(pair) for pair in pairs]
    order = np.lexsort((merged[1], merged[0]))
    return Lines(*(column[order] for column in merged))
