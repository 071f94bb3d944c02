"""Derive every landed table and every truth table from one block of the world."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop import (
    accounts,
    advertising,
    consents,
    content,
    crm,
    events,
    incidents,
    links,
    mail,
    moments_of_records,
    moments_of_visits,
    orders,
    parcels,
    production,
    push,
    store,
    subscriptions,
    supply,
    trial,
    truth,
    usage,
    visits,
    windows,
    wishes,
)
from sandbox.shop.block import Block
from sandbox.shop.draws import Integers
from sandbox.shop.rows import Rows, stacked


@dataclass(frozen=True)
class Silos:
    """The silos of one block; everything is derived once, when it is first needed."""

    block: Block

    @cached_property
    def orders(self) -> orders.Orders:
        """The web shop's orders."""
        return orders.placed(self.block)

    @cached_property
    def receipts(self) -> store.Receipts:
        """The stores' receipts."""
        return store.printed(self.block)

    @cached_property
    def subscribers(self) -> mail.Subscribers:
        """The newsletter's list."""
        return mail.listed(self.block)

    @cached_property
    def responses(self) -> mail.Responses:
        """Reactions to newsletters."""
        return mail.answered(mail.sent(self.subscribers))

    @cached_property
    def tokens(self) -> push.Tokens:
        """Push tokens."""
        return push.registered(self.block)

    @cached_property
    def cases(self) -> incidents.Cases:
        """Service cases."""
        return incidents.opened(self.orders)

    @cached_property
    def visits(self) -> visits.Visits:
        """Visits to web site and app."""
        return visits.planned(self.block, self.orders, self.responses)

    @cached_property
    def events(self) -> events.Events:
        """What happens in the visits anyway."""
        return events.Events(self.block, self.orders, self.visits)

    @cached_property
    def wishes(self) -> wishes.Wishes:
        """What shows an intention in the visits."""
        return wishes.Wishes(self.block, self.orders, self.visits)

    @cached_property
    def productions(self) -> production.Productions:
        """What is made to order."""
        return production.begun(self.orders)

    @cached_property
    def parcels(self) -> parcels.Parcels:
        """The web shop's parcels."""
        return parcels.sent(self.orders, self.productions)

    @cached_property
    def contracts(self) -> subscriptions.Contracts:
        """The care subscription's contracts."""
        return subscriptions.signed(self.block)

    @cached_property
    def invoices(self) -> subscriptions.Invoices:
        """The invoices about them."""
        return subscriptions.billed(self.contracts)

    @cached_property
    def usage(self) -> usage.Usage:
        """What subscribers do in portal and app."""
        return usage.used(self.contracts)

    @cached_property
    def supply(self) -> supply.Supply:
        """Stock and prices, the same for every block."""
        block = self.block
        return supply.Supply(block.draws, block.parameters, block.calendar, block.catalogue)

    @cached_property
    def statements(self) -> list[consents.Statements]:
        """What persons said about consent."""
        return consents.stated(
            self.block, self.subscribers, self.responses, self.tokens, self.visits
        )

    @cached_property
    def clicks(self) -> tuple[Rows, Integers]:
        """Clicks on ads, and their number by campaign and day."""
        return advertising.click_rows(self.block, self.visits)

    def tables(self) -> Iterator[Rows]:
        """Return the rows of all landed tables but ads.costs, one table after the other."""
        block = self.block
        if block.number == 0:
            yield product_rows(block)
            yield supply.level_rows(self.supply)
            yield supply.price_rows(self.supply)
            yield content.asset_rows(block.calendar)
        yield accounts.account_rows(block)[0]
        yield orders.order_rows(self.orders)
        yield orders.line_rows(self.orders)
        yield store.receipt_rows(self.receipts)
        yield store.receipt_line_rows(self.receipts)
        yield store.card_rows(block)[0]
        yield crm.contact_rows(block)[0]
        yield incidents.case_rows(self.cases, self.orders)
        yield mail.subscriber_rows(self.subscribers, self.responses)
        yield mail.send_rows(self.responses.sends)
        yield mail.response_rows(self.responses)
        yield push.token_rows(self.tokens)
        yield consents.statement_rows(block, self.statements)
        yield self.clicks[0]
        yield stacked(events.event_rows(self.events), events.event_rows(self.wishes))
        yield production.milestone_rows(self.productions)
        yield parcels.parcel_rows(self.parcels)
        yield subscriptions.contract_rows(self.contracts)
        yield subscriptions.invoice_rows(self.invoices)
        yield usage.usage_rows(self.usage)
        yield trial.assignment_rows(block)

    def true_tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Return the truth tables of the block."""
        block = self.block
        yield "person", truth.people_table(block)
        yield "alive_daily", truth.alive_table(block)
        yield "purchases", truth.purchase_table(block, self.receipts)
        yield "second_purchase", truth.second_table(block)
        yield "taste", truth.taste_table(block)
        yield "habit", truth.habit_table(block)
        if block.number == 0:
            yield "product", truth.product_table(block)
        yield "record_link", pa.concat_tables([part.columns(block) for part in self.record_links()])
        yield "potential_outcomes", trial.outcome_table(block)
        yield "hard_negatives", truth.hard_negatives(block)
        yield "session_source", truth.session_table(block, self.visits)
        yield "moments", self.moment_table()
        yield "incidents", windows.incident_table(self)
        yield "subscribers", windows.subscriber_table(self.contracts)
        yield "decliners", windows.decliner_table(self.contracts)
        yield (
            "legal_state",
            truth.legal_states(
                block, [*self.statements, consents.unheard(self.subscribers, self.responses)]
            ),
        )

    def moment_table(self) -> pa.Table:
        """Return truth.moments: what could be known before the cut."""
        parts = [
            *moments_of_visits.visit_moments(self),
            *moments_of_records.record_moments(self),
        ]
        return pa.concat_tables([part.columns(self.block) for part in parts])

    def record_links(self) -> list[links.Links]:
        """Return which record belongs to whom, silo by silo."""
        block = self.block
        _, opened, account = accounts.account_rows(block)
        _, enrolled, card = store.card_rows(block)
        _, called, contact = crm.contact_rows(block)
        return [
            links.record_links(block, block.account_ids, "shop", "customers", opened, account),
            links.record_links(block, block.card_ids, "store", "loyalty_cards", enrolled, card),
            links.contact_links(called, contact, block.reached_by_post(called.keys)),
            *links.sales_links(self.orders, self.receipts),
            *links.other_links(block, self.subscribers, self.tokens, self.cases, self.visits),
            links.contract_links(self.contracts),
        ]


def product_rows(block: Block) -> Rows:
    """Write shop.products: the catalogue does not change."""
    columns = block.catalogue.columns()
    arrived = np.full(len(block.catalogue), block.calendar.start)
    return Rows(("shop", "products"), columns, arrived)
