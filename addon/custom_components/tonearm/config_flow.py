"""Settings → Devices & services → Add integration → Tonearm."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import voluptuous as vol
from homeassistant.config_entries import SOURCE_IGNORE, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_API_KEY, CONF_URL
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .const import DOMAIN
from .daemon import House, Refused, TonearmError, UnknownName, base_url
from .household import look_at

if TYPE_CHECKING:
    from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_KEY = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
# Tonearm itself makes shorter ones.
_LONGEST_KEY = 1024
_COMMAND = {"command": 'tonearm keys add "Home Assistant" --scope control'}


class TonearmConfigFlow(ConfigFlow, domain=DOMAIN):
    """By hand, found in the network, or again because the key or the address is another one."""

    VERSION = 1

    def __init__(self) -> None:
        self._url = ""
        self._name = "Tonearm"
        self._key = ""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Address and key."""
        errors: dict[str, str] = {}
        if user_input is not None and (house := await self._try(user_input[CONF_URL], user_input[CONF_API_KEY], errors)):
            await self.async_set_unique_id(house.daemon["id"], raise_on_progress=False)
            self._abort_if_unique_id_configured(updates=self._data)
            return self._create(house)
        schema = vol.Schema({vol.Required(CONF_URL, default="http://tonearm.local:8484"): _ADDRESS, vol.Required(CONF_API_KEY): _KEY})
        return self._form("user", schema, user_input, errors)

    async def async_step_zeroconf(self, discovery_info: "ZeroconfServiceInfo") -> ConfigFlowResult:
        """Found by mDNS. Anybody can announce anything: the address is kept once the key was proven there."""
        found = discovery_info.properties
        if not found.get("id") or found.get("api") != "1":
            return self.async_abort(reason="not_understood")
        host = f"[{discovery_info.host}]" if ":" in discovery_info.host else discovery_info.host
        self._url = f"{'https' if found.get('scheme') == 'https' else 'http'}://{host}:{discovery_info.port}"
        self._name = found.get("name") or "Tonearm"
        entry = await self.async_set_unique_id(found["id"])
        if entry is not None and entry.source != SOURCE_IGNORE and await self._has_moved(entry.data[CONF_URL], entry.data[CONF_API_KEY]):
            self._abort_if_unique_id_configured(updates={CONF_URL: self._url})
        self._abort_if_unique_id_configured()
        self.context["title_placeholders"] = {"name": self._name}
        return await self.async_step_key()

    async def async_step_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The key of a Tonearm that was found."""
        errors: dict[str, str] = {}
        if user_input is not None and (house := await self._try(self._url, user_input[CONF_API_KEY], errors)):
            await self.async_set_unique_id(house.daemon["id"], raise_on_progress=False)
            self._abort_if_unique_id_configured()
            return self._create(house)
        return self._form("key", vol.Schema({vol.Required(CONF_API_KEY): _KEY}), user_input, errors)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """The key was taken back."""
        entry = self._get_reauth_entry()
        self._url, self._name = entry.data[CONF_URL], entry.title
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """A new key."""
        errors: dict[str, str] = {}
        entry = self._get_reauth_entry()
        if user_input is not None and (house := await self._try(self._url, user_input[CONF_API_KEY], errors)):
            if house.daemon["id"] == entry.unique_id:
                return self.async_update_reload_and_abort(entry, data_updates=self._data)
            errors["base"] = "another"
        return self._form("reauth_confirm", vol.Schema({vol.Required(CONF_API_KEY): _KEY}), user_input, errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Another address, or another key."""
        errors: dict[str, str] = {}
        entry = self._get_reconfigure_entry()
        self._name = entry.title
        if user_input is not None:
            key = user_input.get(CONF_API_KEY) or entry.data[CONF_API_KEY]
            if house := await self._try(user_input[CONF_URL], key, errors):
                if house.daemon["id"] == entry.unique_id:
                    return self.async_update_reload_and_abort(entry, data_updates=self._data)
                errors["base"] = "another"
        schema = vol.Schema({vol.Required(CONF_URL, default=entry.data[CONF_URL]): _ADDRESS, vol.Optional(CONF_API_KEY): _KEY})
        return self._form("reconfigure", schema, user_input, errors)

    @property
    def _data(self) -> dict[str, str]:
        return {CONF_URL: self._url, CONF_API_KEY: self._key}

    def _create(self, house: House) -> ConfigFlowResult:
        return self.async_create_entry(title=house.daemon["name"] or "Tonearm", data=self._data)

    def _form(self, step: str, schema: vol.Schema, entered: dict[str, Any] | None, errors: dict[str, str]) -> ConfigFlowResult:
        # A key that was wrong is not shown again.
        kept = {name: value for name, value in (entered or {}).items() if name != CONF_API_KEY}
        placeholders = {**_COMMAND, "name": self._name, "url": self._url}
        return self.async_show_form(step_id=step, data_schema=self.add_suggested_values_to_schema(schema, kept), errors=errors, description_placeholders=placeholders)

    async def _try(self, address: str, key: str, errors: dict[str, str]) -> House | None:
        """What is there; else None, and why in `errors`."""
        try:
            self._url = base_url(address)
        except ValueError:
            errors[CONF_URL] = "invalid_address"
            return None
        self._key = key.strip()
        if not 1 <= len(self._key) <= _LONGEST_KEY:
            errors[CONF_API_KEY] = "invalid_auth"
            return None
        try:
            house = await look_at(self.hass, self._url, self._key)
        except Refused:
            errors[CONF_API_KEY] = "invalid_auth"
            return None
        except UnknownName:
            errors["base"] = "unknown_name"
            return None
        except TonearmError:
            errors["base"] = "cannot_connect"
            return None
        if house.scope != "control":
            errors[CONF_API_KEY] = "only_reads"
            return None
        return house

    async def _has_moved(self, url: str, key: str) -> bool:
        """Nobody answers where it was, and who announced it knows the key. Never from https to what can be read along."""
        if url == self._url or (url.startswith("https") and not self._url.startswith("https")):
            return False
        try:
            await look_at(self.hass, url, key)
        except Refused:
            return False
        except TonearmError:
            pass
        else:
            return False
        try:
            house = await look_at(self.hass, self._url, key)
        except TonearmError:
            return False
        return house.daemon["id"] == self.unique_id
