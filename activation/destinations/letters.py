"""Turn rows into postal addresses a letter shop can print: complete, in order, one per address.

The order of lines is that of DIN 5008: company, name, addition, street, postal code with place, and
the country in capitals where a letter goes abroad. A postcard is read by whoever carries it, so
nothing but the address, a motif and a code can be on it.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from activation.audience_names import revealing_word

ADDRESS = (
    "company", "salutation", "title", "first_name", "last_name", "address_addition", "street",
    "postal_code", "city", "country_code", "country_name",
)  # fmt: skip
FIELDS = frozenset({*ADDRESS, "reference", "motif", "voucher_code"})
NEEDED = frozenset({"reference", "last_name", "street", "postal_code", "city", "country_code"})
MOST_LINES, LONGEST_LINE = 6, 40
LINES = tuple(f"address_line_{number}" for number in range(1, MOST_LINES + 1))
COLUMNS = ("reference", *ADDRESS, *LINES, "motif", "voucher_code")

_POSTAL_CODES = {"DE": r"\d{5}", "AT": r"\d{4}", "CH": r"\d{4}", "LI": r"\d{4}", "LU": r"\d{4}"}
_PRINTED = ("motif", "voucher_code")


@dataclass
class Letters:
    """The letters of one file; `left_out` counts the rows that cannot be one, by code."""

    left_out: Counter[str] = field(default_factory=Counter)
    _places: set[tuple[str, ...]] = field(default_factory=set, repr=False)

    def read(self, row: Mapping[str, Any]) -> dict[str, str] | str:
        """Return the columns of a letter, or the code of what keeps the row from being one."""
        values = {name: " ".join(str(row.get(name) or "").split()) for name in FIELDS}
        lines = _lines(values)
        code = _obstacle(values, lines) or self._known(values)
        if code:
            self.left_out[code] += 1
            return code
        filled = [*lines, *[""] * (MOST_LINES - len(lines))]
        return {**values, **dict(zip(LINES, filled, strict=True))}

    def _known(self, values: Mapping[str, str]) -> str | None:
        """Say whether a letter goes to this surname at this address already."""
        names = ("last_name", "company", "street", "postal_code", "city", "country_code")
        place = tuple(_folded(values[name]) for name in names)
        if place in self._places:
            return "same_household"
        self._places.add(place)
        return None


def _lines(values: Mapping[str, str]) -> list[str]:
    name = " ".join(
        values[part] for part in ("salutation", "title", "first_name", "last_name") if values[part]
    )
    place = f"{values['postal_code']} {values['city']}"
    country = values["country_name"].upper()
    parts = (values["company"], name, values["address_addition"], values["street"], place, country)
    return [part for part in parts if part]


def _obstacle(values: Mapping[str, str], lines: list[str]) -> str | None:
    """Return why an address cannot be printed or delivered to, or must not be, if so."""
    if any(not values[name] for name in NEEDED):
        return "address_incomplete"
    pattern = _POSTAL_CODES.get(values["country_code"].upper(), r"[0-9A-Za-z -]{2,12}")
    if not re.fullmatch(pattern, values["postal_code"]):
        return "postal_code_malformed"
    if not any(letter.isalpha() for letter in values["street"]):
        return "street_malformed"
    if any(len(line) > LONGEST_LINE for line in lines):
        return "line_too_long"
    if not all(value.isprintable() for value in values.values()):
        return "not_printable"
    if any(revealing_word(values[name]) for name in _PRINTED):
        return "reveals"
    return None


def _folded(text: str) -> str:
    """Return an address part as it is compared: letters and digits, Straße like Str."""
    plain = re.sub(r"stra(ß|ss)e\b|str\.", "str", text.casefold().replace("ß", "ss"))
    return re.sub(r"[\W_]+", "", plain)
