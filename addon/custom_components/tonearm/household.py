"""What Home Assistant knows of one Tonearm, kept as it is there."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send
from homeassistant.helpers.event import async_track_time_interval

from .const import DOMAIN
from .daemon import Away, House, Line, Picture, Refused, TonearmError, how_far_ahead, look
from .repairs import Repairs

_LOGGER = logging.getLogger(__name__)

# Seconds from one attempt to the next; the last one again and again.
_PAUSES = (0.5, 1, 2, 4, 8, 15)
# Conditions are not told by themselves.
_CONDITIONS_EVERY = timedelta(minutes=1)

type TonearmEntry = ConfigEntry[Household]


def session_of(hass: HomeAssistant):
    """Makes HTTP sessions for lines; each is closed with its line."""
    return lambda trace: async_create_clientsession(hass, auto_cleanup=False, trace_configs=[trace])


async def look_at(hass: HomeAssistant, url: str, key: str) -> House:
    """What there is at an address. Raises Away or Refused."""
    return await look(url, key, session_of(hass))


class Household:
    """The zones of one Tonearm. Snapshots out, commands in; while it is away nothing is available, and it is looked for."""

    def __init__(self, hass: HomeAssistant, entry: TonearmEntry) -> None:
        self.hass = hass
        self.entry = entry
        self.house: House | None = None
        self.connected = False
        self._line: Line | None = None
        self._signal = f"{DOMAIN}_{entry.entry_id}"
        self._repairs = Repairs(hass, entry)
        self._zones_changed: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Connects for the first time; from then on the line is kept. Raises Away or Refused."""
        line = await self._open_line()
        self.entry.async_create_background_task(self.hass, self._keep(line), f"{DOMAIN} {self.entry.title}")
        self.entry.async_on_unload(async_track_time_interval(self.hass, self._read_conditions, _CONDITIONS_EVERY))

    async def close(self) -> None:
        """Hangs up; what was to be repaired is not known any more."""
        self.connected = False
        # First: hanging up takes a while where nobody answers, and by then the next household may have its own.
        self._repairs.clear()
        if self._line is not None:
            await self._line.close()

    @callback
    def on_zones(self, listener: Callable[[], None]) -> None:
        """Called when zones have come or gone."""
        self._zones_changed = listener

    @callback
    def follow(self, zone: str, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Called when the zone, the presets or the connection is different."""
        stops = [async_dispatcher_connect(self.hass, signal, listener) for signal in (self._signal, f"{self._signal}_{zone}")]

        @callback
        def stop() -> None:
            for one in stops:
                one()

        return stop

    async def ask(self, what: str, fields: Picture | None = None) -> Picture:
        """One request. Raises TonearmError."""
        if self._line is None or not self.connected:
            raise Away("Tonearm is not connected.")
        return await self._line.ask(what, fields)

    def device_id(self, zone: str) -> tuple[str, str]:
        """Identifies the device of a zone."""
        return (DOMAIN, f"{self.entry.unique_id}_{zone}")

    async def _open_line(self) -> Line:
        line = Line(self.entry.data[CONF_URL], self.entry.data[CONF_API_KEY], session_of(self.hass))
        try:
            house = await line.open()
            if house.daemon["id"] != self.entry.unique_id:
                raise Away("Another Tonearm answers at this address.")
            self._register(house)
            self._repairs.zones(house.zones.values())
        except BaseException:
            await line.close()
            raise
        self._line = line
        self.house = house
        self.connected = True
        return line

    async def _keep(self, line: Line) -> None:
        while True:
            # Asked over the line, so it has to be listened to meanwhile.
            asking = self.hass.async_create_task(self._read_conditions())
            try:
                await line.listen(self._hear)
            except Refused:
                self.entry.async_start_reauth(self.hass)
                return
            except TonearmError as error:
                _LOGGER.info("Tonearm %s is away: %s", self.entry.title, error)
            except Exception:
                # Whatever it is, music is worth another try.
                _LOGGER.exception("What Tonearm %s said could not be taken in", self.entry.title)
            finally:
                self._is_away()
                asking.cancel()
                await line.close()
            again = await self._find_again()
            if again is None:
                return
            line = again
            _LOGGER.info("Tonearm %s is back", self.entry.title)
            self._zones_changed()
            async_dispatcher_send(self.hass, self._signal)

    async def _find_again(self) -> Line | None:
        tries = 0
        while True:
            await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1
            try:
                return await self._open_line()
            except Refused:
                self.entry.async_start_reauth(self.hass)
                return None
            except TonearmError as error:
                _LOGGER.debug("Tonearm %s is still away: %s", self.entry.title, error)
            except Exception:
                _LOGGER.exception("What Tonearm %s said could not be taken in", self.entry.title)

    @callback
    def _is_away(self) -> None:
        self.connected = False
        async_dispatcher_send(self.hass, self._signal)

    @callback
    def _hear(self, message: Picture) -> None:
        house = self.house
        assert house is not None
        match message.get("kind"):
            case "zone":
                zone = message["zone"]
                house.zones[zone["id"]] = zone
                self._repairs.zones(house.zones.values())
                async_dispatcher_send(self.hass, f"{self._signal}_{zone['id']}")
            case "failed":
                zone = house.zones.get(message["zone"])
                _LOGGER.warning("%s: %s", zone["name"] if zone else message["zone"], message["error"]["message"])
            case "presets":
                house.presets = message["presets"]
                async_dispatcher_send(self.hass, self._signal)

    async def _read_conditions(self, _now: object = None) -> None:
        line, house = self._line, self.house
        if not self.connected or line is None or house is None:
            return
        try:
            conditions = (await line.ask("conditions"))["conditions"]
            ahead = how_far_ahead(await line.ask("info"))
        except (KeyError, TypeError, TonearmError) as error:
            _LOGGER.debug("Tonearm %s does not say how it is: %s", self.entry.title, error)
            return
        if not self.connected or line is not self._line:
            return
        house.conditions = conditions
        house.ahead = ahead
        self._repairs.conditions(conditions)

    @callback
    def _register(self, house: House) -> None:
        """A device for the daemon and one for each zone, and none for zones that are gone."""
        registry = dr.async_get(self.hass)

        def register(part: str, name: str, model: str) -> dr.DeviceEntry:
            return registry.async_get_or_create(
                config_entry_id=self.entry.entry_id,
                identifiers={self.device_id(part)},
                name=name,
                manufacturer="Tonearm",
                model=model,
                sw_version=house.daemon["version"],
            )

        bridge = register("bridge", house.daemon["name"] or "Tonearm", "Bridge")
        for zone in house.zones.values():
            device = register(zone["id"], zone["name"], "Spotify Connect speaker")
            registry.async_update_device(device.id, via_device_id=bridge.id)
        wanted = {self.device_id(zone) for zone in (*house.zones, "bridge")}
        for device in dr.async_entries_for_config_entry(registry, self.entry.entry_id):
            if not wanted & device.identifiers:
                registry.async_remove_device(device.id)
