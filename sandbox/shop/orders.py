"""Write the web shop's orders and order lines: paid, pending, cancelled, split, sent back."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop import baskets
from sandbox.shop.baskets import Lines
from sandbox.shop.block import Block, account_names, device_names
from sandbox.shop.calendar import utc_day, utc_micros
from sandbox.shop.contacts import Details, Form
from sandbox.shop.draws import Flags, Floats, Integers, Keys
from sandbox.shop.memberships import APP, PHONE, STORE, WEB
from sandbox.shop.pools import CURRENCIES
from sandbox.shop.rows import Rows, superseding
from sandbox.shop.text import decimals, emptied, numbered, picked, texts, timestamps

MAIN, CANCELLED, REFUNDED, SPLIT, TEST = range(5)
STATUSES = texts(["paid", "pending", "cancelled", "refunded"])
PAID, PENDING, VOID, SENT_BACK = range(4)
COUPONS = texts(["WELCOME10", "SUMMER10", "THANKYOU10", "OUTDOOR10"])
STAFF_ACCOUNTS = texts([f"staff-{number}" for number in range(1, 6)])
STAFF_EMAIL = texts(["test@shop.example"])
FOREVER = 1e8


@dataclass(frozen=True)
class Orders:
    """The orders of one block; one entry per order, moments in local days.

    `purchase` is the row of the purchase that an order belongs to.
    """

    block: Block
    purchase: Integers
    kind: Integers
    moment: Floats
    keys: Keys

    def __len__(self) -> int:
        return len(self.purchase)

    @cached_property
    def person(self) -> Integers:
        """The row of the person who ordered."""
        return self.block.purchases.person[self.purchase]

    @cached_property
    def channel(self) -> Integers:
        """The sales channel of every order."""
        return self.block.channel[self.purchase]

    @cached_property
    def ids(self) -> pa.Array:
        """The order numbers."""
        return numbered("O", self.keys, 36)

    @cached_property
    def account(self) -> Integers:
        """The account used, as a row of the block's account ids; -1 for guests."""
        account = self.block.account_of(self.person, self.moment, self.keys)
        is_guest = self.block.draws.happens("guest again", self.keys, 0.12)
        return np.where(is_guest | (self.channel == PHONE), -1, account)

    @cached_property
    def device(self) -> Keys:
        """The key of the device the order came from."""
        block = self.block
        purchase_keys = block.purchases.keys[self.purchase]
        slot = block.device_slot(self.person, purchase_keys, self.channel == APP)
        return block.device_keys(self.person, slot, block.purchases.moment[self.purchase])

    @cached_property
    def details(self) -> Details:
        """The contact details given with every order."""
        contacts = self.block.contacts
        by_phone = Form("call", 0.45, insists_on_phone=True)
        web = contacts.details(Form("order"), self.person, self.moment, self.keys)
        call = contacts.details(by_phone, self.person, self.moment, self.keys)
        is_call = pa.array(self.channel == PHONE)
        columns = {
            name: pc.if_else(is_call, call.columns[name], column)
            for name, column in web.columns.items()
        }
        slot = np.where(self.channel == PHONE, call.email_slot, web.email_slot)
        return Details(columns, slot, web.has_name_variant)

    @cached_property
    def has_coupon(self) -> Flags:
        """Whether a coupon was used: likelier the more sensitive to prices a person is."""
        return redeems(self.block, self.person, self.keys)

    @cached_property
    def wants_return(self) -> Flags:
        """Whether something will be sent back from the parcel."""
        block, parameters = self.block, self.block.parameters
        category = baskets.first_category(block, self.keys, self.person)
        chance = np.where(
            category == baskets.APPAREL,
            parameters.apparel_return_share,
            parameters.other_return_share,
        )
        comes_back = block.draws.happens("return", self.keys, chance)
        return np.asarray(comes_back & (self.kind == MAIN))

    @cached_property
    def lines(self) -> Lines:
        """The order lines, shipping included."""
        lines = baskets.filled(
            self.block, self.keys, self.person, 10 * self.has_coupon, self.wants_return
        )
        return baskets.with_shipping(lines, len(self))

    @cached_property
    def net(self) -> Integers:
        """The order totals in cents."""
        return self.lines.totals(len(self))

    @cached_property
    def returned(self) -> Floats:
        """When the shop books what came back; `FOREVER` if nothing does."""
        waiting = self.block.draws.between("return days", self.keys, 5.0, 45.0)
        comes_back = self.wants_return | (self.kind == REFUNDED)
        return np.where(comes_back, self.moment + waiting, FOREVER)

    @cached_property
    def settled(self) -> Floats:
        """When a pending order is paid or cancelled; the order's own moment if paid at once."""
        draws = self.block.draws
        is_pending = draws.happens("prepaid", self.keys, 0.04) & (self.kind != TEST)
        is_pending |= self.kind == CANCELLED
        waiting = draws.between("payment days", self.keys, 0.02, 3.0)
        return np.where(is_pending, self.moment + waiting, self.moment)


def redeems(block: Block, person: Integers, keys: Keys) -> Flags:
    """Tell which orders, by their keys, persons use a coupon for."""
    chance = 0.03 + 0.4 * block.people.price_sensitivity[person]
    return block.draws.happens("coupon", keys, chance)


def placed(block: Block) -> Orders:
    """Place the orders behind the purchases made on web site, app and telephone."""
    purchases, parameters = block.purchases, block.parameters
    is_order = (block.channel != STORE) & (purchases.moment < block.seen + 1)
    main = np.flatnonzero(is_order)
    shares = {
        CANCELLED: parameters.cancelled_order_share,
        REFUNDED: parameters.refunded_order_share,
        SPLIT: parameters.split_order_share,
        TEST: parameters.test_order_share,
    }
    parts = [(main, np.full(len(main), MAIN))]
    for extra, share in shares.items():
        wanted = block.draws.happens(f"order kind {extra}", purchases.keys[main], share)
        wanted &= (extra in (CANCELLED, TEST)) | (block.channel[main] != PHONE)
        parts.append((main[wanted], np.full(int(wanted.sum()), extra)))
    purchase = np.concatenate([part[0] for part in parts])
    kind = np.concatenate([part[1] for part in parts])
    keys = purchases.keys[purchase] * np.uint64(8) + kind.astype(np.uint64)
    return Orders(block, purchase, kind, order_moments(block, purchase, kind, keys), keys)


def order_moments(block: Block, purchase: Integers, kind: Integers, keys: Keys) -> Floats:
    """Place cancelled attempts before, split parts minutes after and refunded orders days after."""
    moment = block.purchases.moment[purchase]
    level = block.draws.uniform("order moment", keys)
    shift = np.zeros(len(purchase))
    shift = np.where(kind == CANCELLED, -0.01 - 0.06 * level, shift)
    shift = np.where(kind == REFUNDED, 0.5 + 8.0 * level, shift)
    shift = np.where(kind == SPLIT, (2.0 + 12.0 * level) / 1440.0, shift)
    return np.asarray(moment + np.where(kind == TEST, level, shift))


@dataclass(frozen=True)
class Versions:
    """Successive states of orders: which order, since when (UTC micros), in which status."""

    order: Integers
    micros: Integers
    status: Integers


def versions(orders: Orders) -> Versions:
    """List every state that an order goes through."""
    count = np.arange(len(orders))
    waits = orders.settled > orders.moment
    first = np.where(waits, PENDING, PAID)
    final = np.where(orders.kind == CANCELLED, VOID, PAID)
    after = np.where(orders.kind == REFUNDED, SENT_BACK, PAID)
    settled, returned = np.flatnonzero(waits), np.flatnonzero(orders.returned < FOREVER)
    moments = [orders.moment, orders.settled[settled], orders.returned[returned]]
    return Versions(
        order=np.concatenate([count, settled, returned]),
        micros=utc_micros(np.concatenate(moments)),
        status=np.concatenate([first, final[settled], after[returned]]),
    )


def order_rows(orders: Orders) -> Rows:
    """Write shop.orders, one row per order and state."""
    block, states = orders.block, versions(orders)
    columns = {name: column.take(pa.array(states.order)) for name, column in base(orders).items()}
    columns["status"] = picked(STATUSES, states.status)
    columns["updated_at"] = timestamps(states.micros)
    arrived = utc_day(states.micros)
    keys = orders.keys[states.order]
    rows = Rows(("shop", "orders"), columns, arrived, superseding(keys, states.micros, arrived))
    return rows.repeated(block.draws, keys, block.parameters.repeated_event_share)


def base(orders: Orders) -> dict[str, pa.Array]:
    """Return what does not change in an order."""
    block, is_test = orders.block, orders.kind == TEST
    staff = (orders.keys % np.uint64(5)).astype(np.int64)
    account = account_names(block, orders.account)
    country = block.contacts.country(orders.person, orders.moment)
    has_device = np.isin(orders.channel, (WEB, APP)) & ~is_test
    coupon = np.where(orders.has_coupon, orders.person % len(COUPONS), -1)
    columns = {
        "order_id": orders.ids,
        "ordered_at": timestamps(utc_micros(orders.moment)),
        "net_amount": decimals(orders.net, 2),
        "customer_id": pc.if_else(is_test, picked(STAFF_ACCOUNTS, staff), account),
        **{name: emptied(column, ~is_test) for name, column in orders.details.columns.items()},
        "device_id": emptied(device_names(orders.device), has_device),
        "sales_channel": picked(texts(["web", "app", "phone"]), orders.channel),
        "coupon_code": picked(COUPONS, coupon),
        "currency_code": picked(texts(CURRENCIES), country),
        "is_test": pa.array(is_test),
    }
    staff_email = picked(STAFF_EMAIL, 0 * staff)
    columns["email"] = pc.if_else(pa.array(is_test), staff_email, columns["email"])
    return columns


def line_rows(orders: Orders) -> Rows:
    """Write shop.order_items: every line, and once more what came back."""
    lines = orders.lines
    goes_back = sent_back(orders)
    again = np.flatnonzero(goes_back)
    order = np.concatenate([np.arange(len(lines.basket)), again])
    is_return = np.arange(len(order)) >= len(lines.basket)
    basket = lines.basket[order]
    micros = utc_micros(np.where(is_return, orders.returned[basket], orders.moment[basket]))
    arrived = utc_day(micros)
    entity = lines.basket[order] * 16 + lines.line[order]
    columns = line_columns(orders, order, is_return)
    return Rows(("shop", "order_items"), columns, arrived, superseding(entity, micros, arrived))


def sent_back(orders: Orders) -> Flags:
    """Tell which lines come back: all of a refunded order, else the last product."""
    lines = orders.lines
    is_product = lines.product >= 0
    is_last = np.concatenate([lines.basket[1:] != lines.basket[:-1], [True]])
    before_shipping = np.concatenate([~is_product[1:], [False]])
    is_last_product = is_product & (is_last | before_shipping)
    whole = orders.kind[lines.basket] == REFUNDED
    return np.asarray(whole | (is_last_product & orders.wants_return[lines.basket]))


def line_columns(orders: Orders, order: Integers, is_return: Flags) -> dict[str, pa.Array]:
    """Return the columns of shop.order_items for the given lines."""
    lines, catalogue = orders.lines, orders.block.catalogue
    product, net = lines.product[order], lines.net[order]
    quantity = lines.quantity[order]
    is_shipping = (product < 0).astype(np.int64)
    return {
        "order_id": picked(orders.ids, lines.basket[order]),
        "line_number": pa.array(lines.line[order]),
        "net_amount": decimals(net, 2),
        "sku": picked(catalogue.sku, product),
        "description": pc.fill_null(picked(catalogue.name, product), "Shipping"),
        "line_type": picked(texts(["product", "shipping"]), is_shipping),
        "quantity": decimals(quantity * 1000, 3),
        "unit_price": decimals(lines.unit_price[order] * 100, 4),
        "discount_amount": decimals(lines.discount[order], 2),
        "returned_quantity": decimals(quantity * 1000 * is_return, 3),
        "refunded_amount": decimals(net * is_return, 2),
    }
