"""Tonearm: every zone as a media player, by the API of the daemon (docs/api.md)."""

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr

from .const import PLATFORMS
from .daemon import Refused, TonearmError
from .household import Household, TonearmEntry


async def async_setup_entry(hass: HomeAssistant, entry: TonearmEntry) -> bool:
    """Connects to one Tonearm."""
    household = Household(hass, entry)
    try:
        await household.open()
    except Refused as error:
        raise ConfigEntryAuthFailed(str(error)) from error
    except TonearmError as error:
        raise ConfigEntryNotReady(str(error)) from error
    entry.runtime_data = household
    entry.async_on_unload(household.close)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: TonearmEntry) -> bool:
    """Gives its entities back; the line is closed with the entry."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_config_entry_device(hass: HomeAssistant, entry: TonearmEntry, device: dr.DeviceEntry) -> bool:
    """Only devices of zones that are gone may be removed by hand."""
    household: Household | None = getattr(entry, "runtime_data", None)
    if household is None or household.house is None:
        return False
    return not {household.device_id(zone) for zone in (*household.house.zones, "bridge")} & device.identifiers
