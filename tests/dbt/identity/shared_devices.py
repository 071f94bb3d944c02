"""A world of households that share tablets, mailboxes and telephones, with its truth.

Records and their identifiers are drawn as the platforms of a retailer would see them: accounts,
contacts of a call centre, newsletter subscribers with a second address, and visits whose cookie
may be a household's tablet or a kiosk in a store. A few values are placeholders.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ACCOUNT, EMAIL, PHONE, COOKIE = 1, 2, 3, 4
LIMITED_FROM = {ACCOUNT: ACCOUNT, EMAIL: COOKIE}
HOUSEHOLD_MAIL, HOUSEHOLD_PHONE = 10**10, 2 * 10**10
TABLET, KIOSK, JUNK = 3 * 10**10, 3 * 10**10 + 10**9, 9 * 10**10

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass
class World:
    """Records with the person they are of, and claims as the model `persons` reads them."""

    generator: np.random.Generator
    person: list[Numbers] = field(default_factory=list)
    claims: list[tuple[Numbers, int, Numbers]] = field(default_factory=list)
    count: int = 0

    def add(self, persons: Numbers, *values: tuple[int, Numbers, Flags]) -> None:
        """Add a record of each person, with identifiers where the flags say so."""
        nodes = np.arange(self.count + 1, self.count + 1 + len(persons))
        self.count += len(persons)
        self.person.append(persons)
        self.claims += [(nodes[known], level, value[known]) for level, value, known in values]

    def chance(self, count: int, share: float) -> Flags:
        """Draw flags."""
        return self.generator.random(count) < share

    def truth(self) -> pa.Table:
        """Return the person of every record."""
        return pa.table(
            {"node_id": np.arange(1, self.count + 1), "person": np.concatenate(self.person)}
        )

    def claim_table(self) -> pa.Table:
        """Return values and limits: one account a person, and no cookie joins two e-mails."""
        parts = [(node, "value", level, value) for node, level, value in self.claims]
        parts += [(n, "limit", level, v) for n, level, v in self.claims if level in LIMITED_FROM]
        return pa.concat_tables(claim_rows(*part) for part in parts).group_by(
            ["node_id", "kind", "level", "claim_key", "claim_value", "max_values"]
        ).aggregate([])  # fmt: skip


def claim_rows(node: Numbers, kind: str, level: int, value: Numbers) -> pa.Table:
    """Write identifiers as claims."""
    texts = pa.array(value).cast(pa.string())
    is_limit = kind == "limit"
    since = LIMITED_FROM[level] if is_limit else level
    limited = repeated(f"type {level}", len(node))
    return pa.table(
        {
            "node_id": node,
            "kind": repeated(kind, len(node)),
            "level": pa.array(np.full(len(node), since, dtype=np.int32)),
            "claim_key": limited if is_limit else prefixed(level, texts),
            "claim_value": texts if is_limit else repeated("", len(node)),
            "max_values": pa.array(np.ones(len(node), dtype=np.int32)),
        }
    )


def repeated(text: str, count: int) -> pa.Array:
    """Return one text many times."""
    return pa.array([text] * count, pa.string())


def prefixed(level: int, texts: pa.Array) -> pa.Array:
    """Put the level before values, so that two types never share one."""
    return pc.binary_join_element_wise(repeated(str(level), len(texts)), texts, "|")


def shared_world(count: int, seed: int) -> World:
    """Draw a world of `count` persons, of whom most live with somebody else."""
    world = World(np.random.default_rng(seed))
    everybody = np.arange(count)
    household = np.cumsum(world.chance(count, 0.7))
    has_account = world.chance(count, 0.7)
    email = np.where(world.chance(count, 0.05), HOUSEHOLD_MAIL + household, everybody * 10)
    phone = np.where(world.chance(count, 0.25), HOUSEHOLD_PHONE + household, everybody * 10 + 7)
    _add_accounts(world, everybody[has_account], email, phone)
    _add_contacts(world, everybody[world.chance(count, 0.5)], email, phone, has_account)
    _add_subscribers(world, everybody[world.chance(count, 0.6)], email, has_account)
    _add_visits(world, household, email, has_account)
    return world


def _placeholders(world: World, values: Numbers, code: int) -> Numbers:
    return np.where(world.chance(len(values), 0.002), JUNK + code, values)


def _add_accounts(world: World, who: Numbers, email: Numbers, phone: Numbers) -> None:
    always = np.ones(len(who), dtype=bool)
    world.add(
        who,
        (ACCOUNT, who, always),
        (EMAIL, _placeholders(world, email[who], 1), always),
        (PHONE, _placeholders(world, phone[who], 2), world.chance(len(who), 0.4)),
    )


def _add_contacts(
    world: World, who: Numbers, email: Numbers, phone: Numbers, has_account: Flags
) -> None:
    world.add(
        who,
        (EMAIL, _placeholders(world, email[who], 1), world.chance(len(who), 0.9)),
        (PHONE, _placeholders(world, phone[who], 2), world.chance(len(who), 0.7)),
        (ACCOUNT, who, has_account[who] & world.chance(len(who), 0.5)),
    )


def _add_subscribers(world: World, who: Numbers, email: Numbers, has_account: Flags) -> None:
    is_second = world.chance(len(who), 0.15)
    address = np.where(is_second, who * 10 + 1, email[who])
    world.add(who, (EMAIL, address, np.ones(len(who), dtype=bool)))
    second = who[is_second]
    world.add(
        second,
        (EMAIL, second * 10 + 1, np.ones(len(second), dtype=bool)),
        (ACCOUNT, second, has_account[second] & world.chance(len(second), 0.6)),
        (EMAIL, email[second], world.chance(len(second), 0.3)),
    )


def _add_visits(world: World, household: Numbers, email: Numbers, has_account: Flags) -> None:
    count = len(household)
    who = np.repeat(np.arange(count), world.generator.integers(1, 6, count))
    cookie = np.arange(len(who)) * 10 + 3
    has_tablet = world.chance(int(household.max()) + 1, 0.15)
    on_tablet = has_tablet[household[who]] & world.chance(len(who), 0.4)
    cookie = np.where(on_tablet, TABLET + household[who], cookie)
    kiosk = KIOSK + world.generator.integers(0, 1 + count // 6000, len(who))
    cookie = np.where(world.chance(len(who), 0.004), kiosk, cookie)
    for is_logged_in, share in ((False, 0.9), (True, 0.45)):
        chosen = world.chance(len(who), share)
        visitor = who[chosen]
        by_mail = ~has_account[visitor] & world.chance(len(visitor), 0.5)
        world.add(
            visitor,
            (COOKIE, cookie[chosen], np.ones(len(visitor), dtype=bool)),
            (ACCOUNT, visitor, has_account[visitor] & is_logged_in),
            (EMAIL, email[visitor], by_mail & is_logged_in),
        )
