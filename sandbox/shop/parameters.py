"""State the parameters of the simulated shop, with their defaults, units and limits."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


class ParameterError(ValueError):
    """A parameter of the world that does not exist or has a value that it cannot take."""


def share(default: float, meaning: str) -> Any:
    """Declare a probability between 0 and 1."""
    return field(default=default, metadata={"unit": "share", "limits": (0.0, 1.0), "is": meaning})


def amount(default: float, unit: str, meaning: str, low: float = 0.0, high: float = 1e6) -> Any:
    """Declare a number with a unit and limits."""
    return field(default=default, metadata={"unit": unit, "limits": (low, high), "is": meaning})


@dataclass(frozen=True)
class ShopParameters:
    """The world of the simulated shop; behaviour is that of true, identifiable purchases."""

    # purchase behaviour
    second_purchase_share: float = share(0.40, "buyers who ever buy a second time")
    second_within_10d_share: float = share(0.84, "second purchases ever made, inside the window")
    second_window_days: float = amount(10.0, "days", "length of the window", 1.0, 200.0)
    quick_gap_mean_days: float = amount(4.0, "days", "mean gap before the cut", 0.1, 400.0)
    late_gap_median_days: float = amount(100.0, "days", "late second gap beyond the window", 1.0)
    late_gap_sigma: float = amount(0.9, "log days", "spread of the late second gap", 0.0, 3.0)
    regular_share: float = share(0.70, "second buyers who become regulars")
    year2_retention: float | None = field(
        default=None,
        metadata={"unit": "share", "limits": (0.0, 1.0), "is": "target; solves regular_share"},
    )
    yearly_retention: float = share(0.91, "regulars not dropping out within a year")
    regular_rate_minimum: float = amount(2.2, "per year", "slowest regular", 0.1, 50.0)
    regular_rate_shape: float = amount(0.8, "shape", "Gamma part of the rate", 0.05, 50.0)
    regular_rate_extra_mean: float = amount(4.0, "per year", "mean of the Gamma part", 0.0, 50.0)
    november_december_factor: float = amount(1.8, "times", "season of the two months", 0.1, 10.0)
    decline_share: float = share(0.70, "regulars whose visits decline before they drop out")
    dropout_incident_share: float = share(0.15, "dropouts with a service incident shortly before")

    # who there is
    prospect_share: float = share(0.12, "persons who never buy")
    business_share: float = share(0.08, "persons who buy for a company")
    household_share: float = share(0.30, "persons who live with another person of the world")
    phone_share: float = share(0.80, "persons who own a phone that the shop may learn")
    account_share: float = share(0.60, "online buyers who open an account")
    card_share: float = share(0.32, "buyers who take a loyalty card when they shop in a store")
    app_share: float = share(0.35, "buyers who install the app")
    store_share: float = share(0.65, "purchases of card holders in opening hours made in a store")
    app_purchase_share: float = share(0.55, "online purchases of app users made in the app")
    phone_order_share: float = share(0.04, "purchases by telephone of persons with a phone")
    newsletter_share: float = share(0.80, "persons who sign up for the newsletter")
    contact_share: float = share(0.15, "persons known to the call centre")

    # visits
    visits_per_purchase: float = amount(0.8, "sessions", "browsing before a purchase", 0.0, 20.0)
    visits_per_year: float = amount(2.0, "sessions per year", "base of a living person", 0.0, 99.0)
    visits_per_rate: float = amount(1.2, "sessions per purchase", "extra of regulars", 0.0, 20.0)
    visitor_ratio: float = amount(0.5, "visitors per person", "anonymous visitors", 0.0, 20.0)
    bot_share: float = share(0.15, "sessions made by bots")
    open_bot_share: float = share(0.6, "bots that say what they are")
    analytics_share: float = share(0.72, "devices that allow analytics")
    newsletters_per_year: float = amount(12.0, "sends", "newsletter issues a year", 0.0, 52.0)

    # mess
    duplicate_share: float = share(0.22, "persons with two records in one silo")
    email_typo_share: float = share(0.015, "typed addresses with a typing error")
    email_alias_share: float = share(0.02, "persons who use plus or dot aliases")
    email_change_rate: float = amount(0.04, "per year", "changes of address", 0.0, 1.0)
    email_case_share: float = share(0.04, "typed addresses in other case or with blanks")
    moving_rate: float = amount(0.05, "per year", "changes of postal address", 0.0, 1.0)
    name_variant_share: float = share(0.06, "records with transliteration, swap or other format")
    shared_device_share: float = share(0.06, "persons who share a device")
    shared_email_share: float = share(0.02, "persons who share an e-mail address")
    father_son_share: float = share(0.005, "persons with a namesake at the same address")
    twin_share: float = share(0.001, "persons who are twins at one address")
    postal_contact_share: float = share(0.25, "call centre contacts with neither phone nor e-mail")
    placeholder_share: float = share(0.005, "call centre contacts with a placeholder for a value")
    unidentified_receipt_share: float = amount(0.60, "share", "receipts without any id", 0.0, 0.75)
    partner_card_share: float = share(0.05, "receipts on a card that somebody else used")
    late_event_share: float = share(0.03, "events that arrive more than 24 hours late")
    very_late_event_share: float = share(0.003, "events that arrive more than 7 days late")
    repeated_event_share: float = share(0.005, "events and rows that arrive twice")
    skewed_clock_share: float = share(0.02, "sessions on a device clock up to 5 minutes off")
    test_order_share: float = share(0.003, "orders of staff and tests")
    split_order_share: float = share(0.01, "web orders placed as two within minutes")
    cancelled_order_share: float = share(0.025, "orders preceded by a cancelled attempt")
    refunded_order_share: float = share(0.02, "orders preceded by one sent back in full")
    apparel_return_share: float = share(0.46, "apparel parcels from which something returns")
    other_return_share: float = share(0.08, "other parcels from which something returns")

    # mail, consent, service
    double_opt_in_lost_share: float = share(0.20, "sign-ups that are never confirmed")
    machine_open_share: float = share(0.40, "opens made by a mail proxy")
    open_share: float = share(0.20, "delivered messages opened by a person")
    click_share: float = share(0.03, "delivered messages clicked")
    unsubscribe_share: float = share(0.0018, "messages answered by unsubscribing")
    bounce_share: float = share(0.018, "messages that bounce")
    contradiction_share: float = share(0.03, "confirmed subscribers whose silos contradict")
    withdrawal_rate: float = amount(0.03, "per year", "consents withdrawn elsewhere", 0.0, 5.0)
    ads_consent_share: float = share(0.52, "persons with an address who allow ads")
    push_consent_share: float = share(0.55, "push tokens whose owner allows marketing")
    similar_goods_share: float = share(0.03, "account holders mailed as existing customers")
    case_share: float = share(0.04, "orders followed by a service case")

    # deliveries, production, care subscription, stock and prices, wishes
    failed_delivery_share: float = share(0.03, "parcels that nobody takes at the first attempt")
    late_parcel_share: float = share(0.05, "parcels that come days after the promised one")
    late_milestone_share: float = share(0.10, "production steps reached days after their plan")
    subscription_share: float = share(0.15, "account holders who buy the care subscription")
    usage_rate_minimum: float = amount(6.0, "per 28 days", "least use of a subscription", 0.1, 60.0)
    usage_rate_maximum: float = amount(14.0, "per 28 days", "most use of a subscription", 0.1, 60.0)
    failed_login_share: float = share(0.20, "contract years in which the login breaks for days")
    late_payment_share: float = share(0.06, "invoices paid after they were due")
    dispute_share: float = share(0.02, "invoices that are disputed")
    stock_out_share: float = share(0.25, "quarters in which a product sells out")
    price_drop_share: float = share(0.30, "quarters in which a product is reduced for days")
    wish_share: float = share(0.08, "logged-in visits that put a product on the wish list")
    configuration_share: float = share(0.02, "visits that save the configuration of furniture")
    content_share: float = share(0.06, "visits that read a guide")

    # habits of one's own
    hour_habit_share: float = share(0.0, "opens and visits at the person's own hour of the day")
    channel_habit_strength: float = share(0.0, "how far app or mail is preferred by app users")

    # the randomised test of a nudge by e-mail
    nudge_test_day: float = amount(1317.0, "days", "from the opening to the test", 60.0, 2000.0)
    nudge_test_share: float = share(0.80, "buyers on the newsletter's list who are drawn; 0: none")
    nudge_control_share: float = share(0.50, "drawn persons who are not mailed")
    nudge_strength: float = amount(1.0, "times", "the published effects; 0: no effect", 0.0, 5.0)
    nudge_cost: float = amount(0.40, "EUR", "cost of mailing a person, voucher included", 0.0, 99.0)

    def with_overrides(self, assignments: Iterable[str]) -> "ShopParameters":
        """Return a copy with `name=value` texts applied; raise ParameterError on the first bad one.

        `year2_retention=none` turns that target off.
        """
        changes: dict[str, Any] = dict(parsed(assignment) for assignment in assignments)
        return replace(self, **changes)

    def as_dictionary(self) -> dict[str, float | None]:
        """Return all values by name."""
        return asdict(self)


def parsed(assignment: str) -> tuple[str, float | None]:
    """Split one `name=value` text and check both sides."""
    name, sign, value = (part.strip() for part in assignment.partition("="))
    known = {item.name: item for item in fields(ShopParameters)}
    if not sign:
        raise ParameterError(f"'{assignment}' is no assignment. Write it as NAME=VALUE.")
    if name not in known:
        hint = suggestion(name, list(known))
        raise ParameterError(f"The world has no parameter '{name}'. {hint}")
    return name, number(name, value, known[name].metadata["limits"])


def suggestion(name: str, known: Sequence[str]) -> str:
    """Name the closest known parameter, or where to find them all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return "All names are in sandbox/shop/parameters.py."


def number(name: str, value: str, limits: tuple[float, float]) -> float | None:
    """Read a number inside its limits."""
    if name == "year2_retention" and value.lower() == "none":
        return None
    low, high = limits
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not low <= result <= high:
        raise ParameterError(
            f"'{name}' cannot be '{value}'. Give a number from {low:g} to {high:g}."
        )
    return result
