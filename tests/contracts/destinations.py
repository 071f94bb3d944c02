"""One example of every destination that speaks HTTP, for the promises all of them keep."""

import base64
from typing import Any

from activation.destinations import DESTINATIONS, settings_for
from activation.destinations.base import Batch, Operation, Row, Target

_SIGNING = base64.b64encode(b"very-secret-webhook-key!").decode()
_PUSHING = base64.urlsafe_b64encode(b"very-secret-web-push-private-key").decode()
SECRETS = ("very-secret-token", "very-secret-app", _SIGNING, _PUSHING)
VALUES: dict[str, str] = {
    "REGULARS_BREVO_API_KEY": SECRETS[0],
    "REGULARS_KLAVIYO_API_KEY": SECRETS[0],
    "REGULARS_GOOGLE_ACCESS_TOKEN": SECRETS[0],
    "REGULARS_GOOGLE_CUSTOMER_ID": "123-456-7890",
    "REGULARS_GOOGLE_LOGIN_CUSTOMER_ID": "9876543210",
    "REGULARS_HUBSPOT_ACCESS_TOKEN": SECRETS[0],
    "REGULARS_META_ACCESS_TOKEN": SECRETS[0],
    "REGULARS_META_APP_SECRET": SECRETS[1],
    "REGULARS_META_AD_ACCOUNT_ID": "act_17",
    "REGULARS_FCM_ACCESS_TOKEN": SECRETS[0],
    "REGULARS_FCM_PROJECT_ID": "project",
    "REGULARS_FILE_DROP_FOLDER": "outbox",
    "REGULARS_FILE_DROP_SFTP_URL": f"sftp://shop:{SECRETS[0]}@files.example.com/drop",
    "REGULARS_FILE_DROP_SFTP_PRIVATE_KEY": SECRETS[0],
    "REGULARS_FILE_DROP_SFTP_PASSWORD": SECRETS[1],
    "REGULARS_TABLE_URL": f"postgresql://writer:{SECRETS[0]}@db.example.com/crm",
    "REGULARS_WEB_PUSH_PRIVATE_KEY": SECRETS[3],
    "REGULARS_WEB_PUSH_SUBJECT": "mailto:push@example.com",
    "REGULARS_WEBHOOK_URL": "https://hooks.example.com/in/very-secret-path",
    "REGULARS_WEBHOOK_SECRET": f"whsec_{_SIGNING}",
}
HTTP = (
    "brevo", "fcm", "google_customer_match", "hubspot", "klaviyo", "meta_custom_audiences",
    "web_push", "webhook",
)  # fmt: skip
KEYED = ("webhook",)
"""Those that know a row by the sync's key, and not by an identifier of a person."""

MESSAGES = ("web_push",)
"""Those that take messages: what is sent cannot be taken back, and 403, 404 and 410 are about one
subscription."""

STATUS_ONLY = ("webhook",)
"""Those where by their specification a success is one whatever its body says."""
PERSONAL = "ada.lovelace"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


def destination(name: str) -> Any:
    """Return a destination with settings."""
    return DESTINATIONS[name](settings_for(name, VALUES))


def row(name: str, number: int, stale: frozenset[str] = frozenset()) -> Row:
    """Return one row with every field the destination knows."""
    values = {
        "email": f"{PERSONAL}{number}@example.com",
        "phone": f"+46701{number:06d}",
        "phone_number": f"+46701{number:06d}",
        "external_id": f"c{number}",
        "first_name": "Zoë",
        "last_name": "O'Neil",
        "country_code": "SE",
        "postal_code": "111 22",
        "city": "Stockholm",
        "token": f"{PERSONAL}:{number}",
        "property_spend": 12.5,
        "attribute_spend": 12.5,
        "endpoint": f"https://fcm.googleapis.com/wp/{PERSONAL}{number}",
        "p256dh": BROWSER,
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        "payload_title": f"Hello {PERSONAL}",
    }
    known = DESTINATIONS[name].capabilities.knows_field
    kept = {key: value for key, value in values.items() if known(key)}
    return Row(number, kept, stale, key=f"c{number}", version="v1")


def batch(name: str, operation: Operation, count: int, first: int = 1) -> Batch:
    """Return a batch of rows; for a removal every identity is stale."""
    identities = DESTINATIONS[name].capabilities.identities
    stale = frozenset(identity[0] for identity in identities) if operation == "remove" else None
    rows = tuple(row(name, number, stale or frozenset()) for number in range(first, first + count))
    purposes = frozenset({"ads_user_data", "ads_personalisation", "marketing"})
    return Batch(operation, rows, Target("42", "Win back"), purposes, "run")
