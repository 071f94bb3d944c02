"""Gather all that tells who a person is: every id and identifier that nobody else has too."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from orchestration.belongings import BORNE
from orchestration.evidence import CustomerNotFound
from orchestration.explain import find_customer
from orchestration.tombstones import spelled
from orchestration.warehouse import Connection

Identifier = tuple[str, str]

# A contact point has one owner, also where a namesake lives at the address.
MINE = f"""
with mine as materialized (
    select distinct customer_id, kind, value from ({BORNE}) as borne
    where list_contains(?, customer_id) and kind is not null and value is not null
),
others as (
    select kind, lower(value) as value from ({BORNE}) as borne
    where not list_contains(?, customer_id) and lower(value) in (select lower(value) from mine)
    union
    select identifier_type, lower(identifier_value) from intermediate.int_contact_points_observed
    where identifier_type = 'postal_address'
        and customer_id is not null and not list_contains(?, customer_id)
        and lower(identifier_value) in (select lower(value) from mine)
)
select mine.customer_id, mine.kind, mine.value, others.value is not null as is_shared
from mine
left join others on mine.kind = others.kind and lower(mine.value) = others.value
order by all
"""
FORMER = "select customer_id from core.customer_aliases where former_customer_id = ?"
ALIASES = """
select former_customer_id from core.customer_aliases where customer_id = ? order by 1
"""
DIALLING = "select distinct calling_code, trunk_prefix from reference.countries"


@dataclass(frozen=True)
class Person:
    """One customer: present id first, then former ones; identifiers in the form of tombstones.

    `count_shared` identifiers are other people's too, so that they stay.
    """

    customer_ids: tuple[str, ...]
    identifiers: tuple[Identifier, ...]
    count_shared: int = 0

    def __repr__(self) -> str:
        return f"Person({len(self.identifiers)} identifiers)"


def find_present_id(connection: Connection, text: str) -> str:
    """Return the customer with this id, former id or identifier.

    Raises CustomerNotFound or SeveralCustomers; neither repeats what was typed.
    """
    try:
        return find_customer(connection, text)
    except CustomerNotFound:
        former = connection.execute(FORMER, (text.strip(),))
        if not former or former[0][0] is None:
            raise
    return str(former[0][0])


def gather(connection: Connection, customer_ids: Collection[str]) -> tuple[Person, ...]:
    """Return these customers with what only they have; what two of them share is theirs too."""
    together = sorted(set(customer_ids))
    dialling = [(str(code), str(trunk or "")) for code, trunk in connection.execute(DIALLING)]
    rows: dict[str, list[tuple[str, str, bool]]] = {customer_id: [] for customer_id in together}
    for customer_id, kind, value, is_shared in connection.execute(MINE, (together,) * 3):
        rows[str(customer_id)].append((str(kind), str(value), bool(is_shared)))
    return tuple(_person(connection, one, rows[one], dialling) for one in together)


def _person(
    connection: Connection,
    customer_id: str,
    rows: Collection[tuple[str, str, bool]],
    dialling: Collection[tuple[str, str]],
) -> Person:
    former = [str(row[0]) for row in connection.execute(ALIASES, (customer_id,))]
    own = {(kind, value) for kind, value, is_shared in rows if not is_shared}
    identifiers = {
        (kind, form)
        for kind, value in own
        for form in (ways_to_dial(value, dialling) if kind == "phone" else [spelled(kind, value)])
    }
    return Person((customer_id, *former), tuple(sorted(identifiers)), len(rows) - len(own))


def ways_to_dial(number: str, dialling: Iterable[tuple[str, str]]) -> set[str]:
    """Return the spellings of a number in E.164, at home and abroad, without blanks."""
    digits = spelled("phone", number).lstrip("+")
    ways = {digits, f"+{digits}", f"00{digits}"}
    for code, trunk in dialling:
        if trunk and digits.startswith(code):
            national = trunk + digits.removeprefix(code)
            ways |= {national, code + national, f"+{code}{national}", f"00{code}{national}"}
    return ways
