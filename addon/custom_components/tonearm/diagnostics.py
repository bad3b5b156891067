"""What to attach to a report: everything the daemon says, without keys and names of users."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_API_KEY
from homeassistant.core import HomeAssistant

from .household import TonearmEntry

_SECRET = {CONF_API_KEY, "account", "username", "user"}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: TonearmEntry) -> dict[str, Any]:
    """The daemon as it is now."""
    household = entry.runtime_data
    house = household.house
    return async_redact_data(
        {
            "entry": dict(entry.data),
            "connected": household.connected,
            "daemon": house and house.daemon,
            "scope": house and house.scope,
            "clock_ahead": house and house.ahead,
            "conditions": house and house.conditions,
            "presets": house and len(house.presets),
            "zones": list(house.zones.values()) if house else [],
        },
        _SECRET,
    )
