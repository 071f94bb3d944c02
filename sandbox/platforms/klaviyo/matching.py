"""How a bulk import finds the profile of each row: every identifier has one owner."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import orjson

from sandbox.platforms.klaviyo.profiles import IDENTIFIERS, number_of
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Json

_MERGED = ("properties", "location")
_is_email = re.compile(r"[^@\s,;<>()\"]+@[^@\s.,;<>()\"]+(?:\.[^@\s.,;<>()\"]+)+").fullmatch
_is_phone = re.compile(r"\+[1-9]\d{6,14}").fullmatch


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row failed, and the attribute to blame; nothing of the row was stored."""

    index: int
    code: str
    attribute: str
    detail: str


def normalise(row: Json) -> Json:
    """Return a row's attributes with the e-mail as Klaviyo keeps it."""
    attributes: Json = row["attributes"]
    if email := attributes.get("email"):
        attributes["email"] = email.strip().lower()
    return attributes


@dataclass(slots=True)
class Book:
    """The profiles that one import touches, as they were and as they become."""

    next_number: int
    owners: dict[str, dict[str, int]] = field(default_factory=lambda: {n: {} for n in IDENTIFIERS})
    held: dict[int, list[str | None]] = field(default_factory=dict)
    attributes: dict[int, Json] = field(default_factory=dict)
    touched: dict[int, None] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)

    def put(self, index: int, row: Json) -> None:
        """Create or update the profile of a row, or note why it failed."""
        given = row["attributes"]
        if error := _wrong_value(index, row):
            self.errors.append(error)
            return
        found = set()
        for name in IDENTIFIERS:
            value = given.get(name)
            if value and value in self.owners[name]:
                found.add(self.owners[name][value])
        if row.get("id"):
            found.add(number_of(row["id"]))
            if number_of(row["id"]) not in self.held:
                self.errors.append(RowError(index, "invalid", "id", "No profile has this id."))
                return
        if len(found) > 1:
            name = next(name for name in IDENTIFIERS if given.get(name))
            detail = "The identifiers belong to different profiles."
            self.errors.append(RowError(index, "duplicate_profile", name, detail))
            return
        self._update(found.pop() if found else self._new_number(), given)

    def _new_number(self) -> int:
        number = self.next_number
        self.next_number += 1
        self.held[number] = [None, None, None]
        self.attributes[number] = {}
        return number

    def _update(self, number: int, given: Json) -> None:
        held = self.held[number]
        for place, name in enumerate(IDENTIFIERS):
            if name not in given or given[name] == held[place]:
                continue
            if (old := held[place]) is not None:
                self.owners[name].pop(old, None)
            held[place] = given[name] or None
            if given[name]:
                self.owners[name][given[name]] = number
        attributes = self.attributes[number]
        for name, value in given.items():
            if name in _MERGED:
                merged = {**attributes.get(name, {}), **(value or {})}
                attributes[name] = {k: v for k, v in merged.items() if v is not None}
            elif name not in IDENTIFIERS:
                attributes[name] = value
        self.touched[number] = None


def _wrong_value(index: int, row: Json) -> RowError | None:
    given = row["attributes"]
    email, phone = given.get("email"), given.get("phone_number")
    if email and not _is_email(email):
        return RowError(index, "invalid", "email", "Invalid email address.")
    if phone and not _is_phone(phone):
        return RowError(index, "invalid", "phone_number", "Invalid phone number format.")
    if not (email or phone or given.get("external_id") or row.get("id")):
        detail = "A profile needs an email, a phone_number or an external_id."
        return RowError(index, "invalid", "email", detail)
    return None


def read_book(store: Store, rows: list[Json]) -> Book:
    """Read the profiles that any row's identifiers name."""
    wanted = [[v for row in rows if (v := row["attributes"].get(name))] for name in IDENTIFIERS]
    ids = [number_of(row["id"]) for row in rows if row.get("id")]
    found = store.rows(
        "select number, external_id, email, phone_number, attributes from klaviyo_profiles"
        " where external_id in (select value from json_each(?))"
        " or email in (select value from json_each(?))"
        " or phone_number in (select value from json_each(?))"
        " or number in (select value from json_each(?))",
        [orjson.dumps(values).decode() for values in (*wanted, ids)],
    )
    top = store.row("select seq from sqlite_sequence where name = 'klaviyo_profiles'")
    book = Book(next_number=(top[0] if top else 0) + 1)
    for number, *identifiers, attributes in found:
        book.held[number] = identifiers
        book.attributes[number] = orjson.loads(attributes)
        for name, value in zip(IDENTIFIERS, identifiers, strict=True):
            if value:
                book.owners[name][value] = number
    return book


def write_book(store: Store, book: Book, now: str) -> None:
    """Write every touched profile; identifiers are freed first so that they may change owner."""
    store.run(
        "update klaviyo_profiles set external_id = null, email = null, phone_number = null"
        " where number in (select value from json_each(?))",
        (orjson.dumps(list(book.touched)).decode(),),
    )
    store.run_many(
        "insert into klaviyo_profiles (number, external_id, email, phone_number, attributes,"
        " created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?)"
        " on conflict (number) do update set external_id = excluded.external_id,"
        " email = excluded.email, phone_number = excluded.phone_number,"
        " attributes = excluded.attributes, updated_at = excluded.updated_at",
        [
            (number, *book.held[number], orjson.dumps(book.attributes[number]).decode(), now, now)
            for number in book.touched
        ],
    )
