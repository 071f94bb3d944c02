"""Name every destination; none of them knows another."""

from collections.abc import Mapping
from typing import Any

from activation.destinations.klaviyo import Klaviyo, KlaviyoSettings

DESTINATIONS: Mapping[str, Any] = {"klaviyo": Klaviyo}
_SETTINGS: Mapping[str, Any] = {"klaviyo": KlaviyoSettings}


def settings_for(destination: str, values: Mapping[str, str]) -> Any:
    """Return a destination's settings out of values named by environment variable.

    A value may be missing here; `run_sync` asks for those it needs.
    """
    kind = _SETTINGS[destination]
    given = {
        name: values[variable]
        for name, variable in kind.ENVIRONMENT.items()
        if values.get(variable)
    }
    return kind(**given)


def missing_settings(settings: Any) -> tuple[str, ...]:
    """Return the environment variables of required settings without a value."""
    return tuple(
        settings.ENVIRONMENT[name] for name in settings.REQUIRED if not getattr(settings, name)
    )
