"""Write the app's push tokens: registered, seen again, dead."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.block import APP_DEVICE, Block, account_names, device_names
from sandbox.shop.calendar import utc_day, utc_micros
from sandbox.shop.draws import Floats, Integers, Keys, combined
from sandbox.shop.memberships import APP
from sandbox.shop.people import NEVER
from sandbox.shop.rows import Rows, superseding
from sandbox.shop.text import hexadecimal, joined, picked, texts, timestamps


@dataclass(frozen=True)
class Tokens:
    """Registration tokens; `registered` and `dead` in local days, `dead` may be NEVER."""

    block: Block
    person: Integers
    keys: Keys
    registered: Floats
    dead: Floats

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def names(self) -> pa.Array:
        """The tokens as the push service writes them."""
        parts = [hexadecimal(combined(self.keys, number)) for number in range(1, 6)]
        return joined("c", parts[0], ":APA91b", *parts[1:])

    @cached_property
    def device(self) -> Keys:
        """The key of the device of every token."""
        slot = np.full(len(self), APP_DEVICE)
        return self.block.device_keys(self.person, slot, self.registered)


def registered(block: Block) -> Tokens:
    """Register a token with each installation; some are renewed, some die with the interest."""
    people, draws = block.people, block.draws
    person = np.flatnonzero(people.app_since < block.seen)
    keys = people.keys[person] * np.uint64(2)
    since = people.app_since[person] + 0.001
    renews = since + 30.0 + draws.exponential("renewal", keys, 600.0)
    has_renewal = draws.happens("renews", keys, 0.3)
    quits = np.maximum(block.purchases.alive_until[person], since) + 5.0
    quits = quits + draws.exponential("uninstall", keys, 90.0)
    quits = np.where(draws.happens("uninstalls", keys, 0.45), quits, NEVER)
    renews = np.where(has_renewal & (renews < quits), renews, NEVER)
    second = np.flatnonzero(renews < block.seen)
    return Tokens(
        block,
        np.concatenate([person, person[second]]),
        np.concatenate([keys, keys[second] + np.uint64(1)]),
        np.concatenate([since, renews[second]]),
        np.concatenate([np.minimum(quits, renews + 3.0), quits[second]]),
    )


def token_rows(tokens: Tokens) -> Rows:
    """Write push.tokens, one row per token and sign of life or death."""
    block = tokens.block
    token, moment, is_dead = signs(tokens)
    micros = utc_micros(moment)
    person = tokens.person[token]
    account = block.account_of(person, moment, tokens.keys[token])
    platform = block.draws.choice("token platform", tokens.keys, (55, 45))[token]
    columns = {
        "push_token": picked(tokens.names, token),
        "registered_at": timestamps(utc_micros(tokens.registered)[token]),
        "device_id": picked(device_names(tokens.device), token),
        "customer_id": account_names(block, account),
        "platform": picked(texts(["android", "ios"]), platform),
        "last_seen_at": timestamps(utc_micros(np.where(is_dead, tokens.registered[token], moment))),
        "invalidated_at": timestamps(micros, is_dead),
        "updated_at": timestamps(micros),
    }
    arrived = utc_day(micros)
    superseded = superseding(tokens.keys[token], micros, arrived)
    return Rows(("push", "tokens"), columns, arrived, superseded)


def signs(tokens: Tokens) -> tuple[Integers, Floats, np.ndarray]:
    """List registrations, app purchases and deaths: token, moment and whether it is the death."""
    block, count = tokens.block, len(tokens)
    bought = np.flatnonzero((block.channel == APP) & (block.purchases.moment < block.seen))
    newest = np.full((len(block.people), 2), -1)
    newest[tokens.person, (tokens.keys % np.uint64(2)).astype(np.int64)] = np.arange(count)
    token = newest[block.purchases.person[bought]]
    moment = block.purchases.moment[bought]
    in_force = (token >= 0) & (tokens.registered[token] < moment[:, None])
    in_force &= moment[:, None] < tokens.dead[token]
    row, copy = np.nonzero(in_force)
    dead = np.flatnonzero(tokens.dead < block.seen)
    return (
        np.concatenate([np.arange(count), token[row, copy], dead]),
        np.concatenate([tokens.registered, moment[row], tokens.dead[dead]]),
        np.concatenate([np.zeros(count + len(row), dtype=bool), np.ones(len(dead), dtype=bool)]),
    )
