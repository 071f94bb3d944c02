"""Name every destination; none of them knows another."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from activation.destinations.brevo import Brevo, BrevoSettings
from activation.destinations.fcm import Fcm, FcmSettings
from activation.destinations.file_drop import FileDrop, FileDropSettings
from activation.destinations.google_customer_match import (
    GoogleCustomerMatch,
    GoogleCustomerMatchSettings,
)
from activation.destinations.hubspot import Hubspot, HubspotSettings
from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings
from activation.destinations.meta_custom_audiences import (
    MetaCustomAudiences,
    MetaCustomAudiencesSettings,
)
from activation.destinations.table import Table, TableSettings
from activation.destinations.web_push import WebPush, WebPushSettings
from activation.destinations.webhook import Webhook, WebhookSettings
from activation.errors import MissingSetting


@runtime_checkable
class CheckedSettings(Protocol):
    """Settings whose values can be wrong in a way that is seen before anything is sent."""

    def check(self) -> None:
        """Raise UnusableSetting, naming the environment variable and the remedy."""
        ...


_KINDS: Mapping[str, tuple[Any, Any]] = {
    "brevo": (Brevo, BrevoSettings),
    "fcm": (Fcm, FcmSettings),
    "file_drop": (FileDrop, FileDropSettings),
    "google_customer_match": (GoogleCustomerMatch, GoogleCustomerMatchSettings),
    "hubspot": (Hubspot, HubspotSettings),
    "klaviyo": (Klaviyo, KlaviyoSettings),
    "meta_custom_audiences": (MetaCustomAudiences, MetaCustomAudiencesSettings),
    "table": (Table, TableSettings),
    "web_push": (WebPush, WebPushSettings),
    "webhook": (Webhook, WebhookSettings),
}
DESTINATIONS: Mapping[str, Any] = {name: kind for name, (kind, _) in _KINDS.items()}


def settings_for(destination: str, values: Mapping[str, str]) -> Any:
    """Return a destination's settings out of values named by environment variable.

    A value may be missing here; `run_sync` asks for those it needs.
    """
    _, kind = _KINDS[destination]
    given = {
        name: values[variable]
        for name, variable in kind.ENVIRONMENT.items()
        if values.get(variable)
    }
    return kind(**given)


def refuse_settings(destination: str, settings: Any) -> None:
    """Raise MissingSetting or UnusableSetting when a destination cannot work with its settings."""
    missing = missing_settings(settings)
    if missing:
        raise MissingSetting(destination, missing)
    if isinstance(settings, CheckedSettings):
        settings.check()


def missing_settings(settings: Any) -> tuple[str, ...]:
    """Return the environment variables of required settings without a value."""
    return tuple(
        settings.ENVIRONMENT[name] for name in settings.REQUIRED if not getattr(settings, name)
    )
