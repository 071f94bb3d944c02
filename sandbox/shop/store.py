"""Write the stores' receipts and the loyalty cards; tills and card forms run on local time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop import baskets
from sandbox.shop.accounts import Records, described, states
from sandbox.shop.baskets import Lines
from sandbox.shop.block import Block
from sandbox.shop.calendar import (
    STORE_HOURS,
    STORE_WEEKDAYS,
    at_hour,
    local_micros,
    on_weekday,
    utc_day,
    utc_micros,
)
from sandbox.shop.contacts import COUNTRY_OF_PLACE, Details, Form
from sandbox.shop.draws import Floats, Integers, Keys
from sandbox.shop.memberships import STORE
from sandbox.shop.pools import CURRENCIES
from sandbox.shop.rows import Rows, expanded, superseding
from sandbox.shop.text import decimals, digits, joined, numbered, picked, texts, timestamps

CARDED, PARTNER, TRAINING, WALK_IN = 0, 1, 2, 3
MOST_WALK_INS = 5
UNKNOWN = -1
FORM = Form("card", 0.8)


@dataclass(frozen=True)
class Receipts:
    """The receipts of one block; one entry per receipt.

    `purchase` is the row of the purchase that gave rise to it, `person` who really bought, -1
    for somebody the world does not follow, `card` a row of the block's card ids or -1.
    """

    block: Block
    purchase: Integers
    kind: Integers
    person: Integers
    card: Integers
    moment: Floats
    keys: Keys

    def __len__(self) -> int:
        return len(self.purchase)

    @cached_property
    def ids(self) -> pa.Array:
        """The receipt numbers."""
        return numbered("R", self.keys, 36)

    @cached_property
    def lines(self) -> Lines:
        """The receipt lines."""
        sale = 10 * self.block.draws.happens("till sale", self.keys, 0.08)
        nothing = np.zeros(len(self), dtype=bool)
        return baskets.filled(self.block, self.keys, self.person, sale, nothing)

    @cached_property
    def net(self) -> Integers:
        """The totals in cents."""
        return self.lines.totals(len(self))


def printed(block: Block) -> Receipts:
    """Print the receipts around the purchases of card holders.

    Those purchases carry the card. On top come partners who borrow it, staff in training, and as
    many receipts without any identifier as the share asks for: they are extra purchases, of the
    same persons or of strangers, so that what can be identified keeps its rhythm.
    """
    purchases, parameters = block.purchases, block.parameters
    carded = np.flatnonzero((block.channel == STORE) & (purchases.moment < block.seen + 40))
    keys = purchases.keys[carded]
    unidentified = parameters.unidentified_receipt_share
    ratio = (1 + parameters.partner_card_share) * unidentified / (1 - unidentified)
    walk_ins = np.minimum(block.draws.poisson("walk-ins", keys, ratio), MOST_WALK_INS)
    lends = block.draws.happens("lends card", keys, 1.6 * parameters.partner_card_share)
    lends &= purchases.number[carded] > 2
    trains = block.draws.happens("training", keys, parameters.test_order_share)
    walking, step = expanded(carded, walk_ins)
    purchase = np.concatenate([carded, carded[lends], carded[trains], walking])
    kind = np.concatenate(
        [
            np.repeat([CARDED, PARTNER, TRAINING], [len(carded), lends.sum(), trains.sum()]),
            WALK_IN + step,
        ]
    )
    keys = purchases.keys[purchase] * np.uint64(8) + kind.astype(np.uint64)
    moment = receipt_moments(block, purchase, kind, keys)
    person = buyers(block, purchases.person[purchase], kind, keys)
    card = block.card_of(purchases.person[purchase], moment, keys)
    card = np.where(kind <= PARTNER, card, -1)
    return Receipts(block, purchase, kind, person, card, moment, keys)


def receipt_moments(block: Block, purchase: Integers, kind: Integers, keys: Keys) -> Floats:
    """Keep the moment of identified purchases; spread the others over the days around."""
    moment = block.purchases.moment[purchase]
    around = moment + block.draws.between("receipt day", keys, -14.0, 14.0)
    around = np.where(kind == PARTNER, np.abs(around - moment) + moment, around)
    around = on_weekday(block.draws, "receipt", keys, around, STORE_WEEKDAYS)
    around = at_hour(block.draws, "receipt", keys, around, STORE_HOURS)
    return np.where(kind == CARDED, moment, around)


def buyers(block: Block, person: Integers, kind: Integers, keys: Keys) -> Integers:
    """Tell who bought: the holder, the partner, or at a walk-in the holder one time in three."""
    partner = block.people.partner[person]
    is_holder = block.draws.happens("holder walks in", keys, 0.33)
    buyer = np.where(kind == PARTNER, partner, person)
    buyer = np.where((kind >= WALK_IN) & ~is_holder, UNKNOWN, buyer)
    return np.where(kind == TRAINING, UNKNOWN, buyer)


def receipt_rows(receipts: Receipts) -> Rows:
    """Write store.receipts."""
    block = receipts.block
    home = block.people.place[block.purchases.person[receipts.purchase]]
    columns = {
        "receipt_id": receipts.ids,
        "sold_at": timestamps(local_micros(receipts.moment)),
        "net_amount": decimals(receipts.net, 2),
        "store_id": joined("store-", digits(home % 12 + 1)),
        "loyalty_card_id": picked(block.card_ids, receipts.card),
        "currency_code": picked(texts(CURRENCIES), COUNTRY_OF_PLACE[home]),
        "is_test": pa.array(receipts.kind == TRAINING),
    }
    arrived = utc_day(utc_micros(receipts.moment))
    rows = Rows(("store", "receipts"), columns, arrived)
    return rows.repeated(block.draws, receipts.keys, block.parameters.repeated_event_share)


def receipt_line_rows(receipts: Receipts) -> Rows:
    """Write store.receipt_items."""
    lines, catalogue = receipts.lines, receipts.block.catalogue
    columns = {
        "receipt_id": picked(receipts.ids, lines.basket),
        "line_number": pa.array(lines.line),
        "net_amount": decimals(lines.net, 2),
        "sku": picked(catalogue.sku, lines.product),
        "quantity": decimals(lines.quantity * 1000, 3),
        "unit_price": decimals(lines.unit_price * 100, 4),
        "discount_amount": decimals(lines.discount, 2),
    }
    arrived = utc_day(utc_micros(receipts.moment))[lines.basket]
    return Rows(("store", "receipt_items"), columns, arrived)


def card_rows(block: Block) -> tuple[Rows, Records, Details]:
    """Write store.loyalty_cards, one row per card and change of address."""
    records = states(block, "card", 0.5)
    details = described(block, FORM, records)
    columns = {
        "loyalty_card_id": picked(block.card_ids, 2 * records.person + records.copy),
        **details.columns,
        "enrolled_at": timestamps(local_micros(records.created)),
        "updated_at": timestamps(local_micros(records.since)),
    }
    micros = utc_micros(records.since)
    arrived = utc_day(micros)
    superseded = superseding(records.keys, micros, arrived)
    return Rows(("store", "loyalty_cards"), columns, arrived, superseded), records, details
