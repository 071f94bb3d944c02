"""Start the sandbox platforms for a demo, and point every destination at them."""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from orchestration.settings import Settings
from orchestration.worlds import read_world

# Every value that a real account would give; the sandbox accepts these and nothing else.
ACCOUNTS = {
    "REGULARS_GOOGLE_CUSTOMER_ID": "1234567890",
    "REGULARS_META_AD_ACCOUNT_ID": "1000000001",
    "REGULARS_FCM_PROJECT_ID": "regulars-demo",
}
TOKENS = (
    "REGULARS_KLAVIYO_API_KEY",
    "REGULARS_GOOGLE_ACCESS_TOKEN",
    "REGULARS_META_ACCESS_TOKEN",
    "REGULARS_FCM_ACCESS_TOKEN",
    "REGULARS_BREVO_API_KEY",
    "REGULARS_HUBSPOT_ACCESS_TOKEN",
)
VENDORS = ("klaviyo", "google", "meta", "fcm", "brevo", "hubspot")
# Places of one's own that have no sandbox: a demo reaches none of them.
NOWHERE = ("REGULARS_TABLE_URL", "REGULARS_FILE_DROP_SFTP_URL")
# Loopback answers at once: keep the platforms' limits from slowing a demo down.
RATE_FACTOR = 20.0


@contextmanager
def sandbox_platforms(settings: Settings, port: int = 0) -> Iterator[str]:
    """Run the platforms while the block runs and yield their base URL.

    The demo's state must never reach a real account, so whatever the environment says about
    vendors is replaced for the time of the block.
    """
    from sandbox.platforms.server import running

    token = os.environ.get("REGULARS_SANDBOX_TOKEN") or secrets.token_hex(16)
    with (
        _environment({"REGULARS_SANDBOX_TOKEN": token}),
        running(settings.platforms, port, rate_factor=RATE_FACTOR, polls=1) as url,
        _environment(addresses(url, token)),
    ):
        yield url


@contextmanager
def platforms_of(settings: Settings) -> Iterator[None]:
    """Use the sandbox for a demo's state and the real accounts for everything else."""
    with sandbox_platforms(settings) if read_world(settings) else nullcontext():
        yield


def addresses(url: str, token: str) -> dict[str, str]:
    """Return the variables that point every destination at the sandbox."""
    from sandbox.platforms.webhook import secret_of

    return {
        **ACCOUNTS,
        **dict.fromkeys(TOKENS, token),
        **dict.fromkeys(NOWHERE, ""),
        "REGULARS_WEBHOOK_URL": f"{url}/webhook/hooks/demo",
        "REGULARS_WEBHOOK_SECRET": secret_of(token),
        "REGULARS_WEBHOOK_ALLOW_LOOPBACK": "true",
        "REGULARS_WEB_PUSH_PRIVATE_KEY": _push_key(token),
        "REGULARS_WEB_PUSH_SUBJECT": "mailto:demo@example.com",
        "REGULARS_WEB_PUSH_SERVICES": "127.0.0.1",
        "REGULARS_WEB_PUSH_ALLOW_LOOPBACK": "true",
        **{f"REGULARS_{vendor.upper()}_BASE_URL": f"{url}/{vendor}" for vendor in VENDORS},
    }


def _push_key(token: str) -> str:
    """Return a key to sign messages with; the sandbox's browsers take any sender."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in (*values, "REGULARS_META_APP_SECRET")}
    os.environ.pop("REGULARS_META_APP_SECRET", None)
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
