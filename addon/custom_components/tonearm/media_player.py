"""A zone as a media player."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.components import media_source
from homeassistant.components.media_player import (
    BrowseError,
    BrowseMedia,
    MediaClass,
    MediaPlayerDeviceClass,
    MediaPlayerEnqueue,
    MediaPlayerEntity,
    MediaPlayerEntityFeature,
    MediaPlayerState,
    MediaType,
    RepeatMode,
    async_process_play_media_url,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.device_registry import DeviceInfo

from .daemon import Picture, TonearmError
from .household import Household, TonearmEntry

if TYPE_CHECKING:
    from homeassistant.helpers.entity_platform import AddEntitiesCallback

# Commands go at once; the daemon puts them in order.
PARALLEL_UPDATES = 0

_STATES = {
    "stopped": MediaPlayerState.IDLE,
    "loading": MediaPlayerState.BUFFERING,
    "stalled": MediaPlayerState.BUFFERING,
    "playing": MediaPlayerState.PLAYING,
    "paused": MediaPlayerState.PAUSED,
}
_TYPES = {"track": MediaType.MUSIC, "episode": MediaType.PODCAST, "file": MediaType.MUSIC, "stream": MediaType.CHANNEL}
_REPEAT = {"off": RepeatMode.OFF, "track": RepeatMode.ONE, "queue": RepeatMode.ALL}
_REPEAT_BACK = {ours: theirs for theirs, ours in _REPEAT.items()}
_APPS = {"connect": "Spotify"}
_PRESET = "preset"
# A place in the longest thing there is. Seconds.
_LONGEST = 86_400
# Enough for a large card; covers are told largest first. Pixels.
_COVER = 640

_FEATURES = (
    MediaPlayerEntityFeature.BROWSE_MEDIA
    | MediaPlayerEntityFeature.MEDIA_ANNOUNCE
    | MediaPlayerEntityFeature.MEDIA_ENQUEUE
    | MediaPlayerEntityFeature.NEXT_TRACK
    | MediaPlayerEntityFeature.PAUSE
    | MediaPlayerEntityFeature.PLAY
    | MediaPlayerEntityFeature.PLAY_MEDIA
    | MediaPlayerEntityFeature.PREVIOUS_TRACK
    | MediaPlayerEntityFeature.REPEAT_SET
    | MediaPlayerEntityFeature.SEEK
    | MediaPlayerEntityFeature.SELECT_SOURCE
    | MediaPlayerEntityFeature.SHUFFLE_SET
    | MediaPlayerEntityFeature.STOP
    | MediaPlayerEntityFeature.TURN_OFF
    | MediaPlayerEntityFeature.TURN_ON
    | MediaPlayerEntityFeature.VOLUME_MUTE
    | MediaPlayerEntityFeature.VOLUME_SET
    | MediaPlayerEntityFeature.VOLUME_STEP
)


async def async_setup_entry(hass: HomeAssistant, entry: TonearmEntry, async_add_entities: "AddEntitiesCallback") -> None:
    """A player for every zone, also for those that come later."""
    household = entry.runtime_data
    known: set[str] = set()

    @callback
    def add() -> None:
        zones = household.house.zones if household.house else {}
        new = [zone for zone in zones if zone not in known]
        known.intersection_update(zones)
        known.update(new)
        async_add_entities(Zone(household, zone) for zone in new)

    household.on_zones(add)
    add()


class Zone(MediaPlayerEntity):
    """One zone: what the daemon says of it, in Home Assistant's words."""

    _attr_device_class = MediaPlayerDeviceClass.SPEAKER
    _attr_has_entity_name = True
    _attr_name = None
    _attr_should_poll = False
    _attr_supported_features = _FEATURES
    _attr_volume_step = 0.05

    def __init__(self, household: Household, zone: str) -> None:
        self._household = household
        self._zone = zone
        house = household.house
        assert house is not None
        device = household.device_id(zone)
        self._attr_unique_id = device[1]
        # The household keeps the device itself as it is to be.
        self._attr_device_info = DeviceInfo(identifiers={device})

    async def async_added_to_hass(self) -> None:
        """Follows the zone while it is there."""
        self.async_on_remove(self._household.follow(self._zone, self.async_write_ha_state))

    @property
    def _state(self) -> Picture | None:
        house = self._household.house
        zone = house.zones.get(self._zone) if house and self._household.connected else None
        return zone["state"] if zone else None

    @property
    def _track(self) -> Picture:
        return (self._state or {}).get("track") or {}

    @property
    def _presets(self) -> list[Picture]:
        house = self._household.house
        return [preset for preset in (house.presets if house else []) if self._zone in (preset.get("zones") or [self._zone])]

    @property
    def available(self) -> bool:
        """While the daemon answers and has the zone."""
        return self._state is not None

    @property
    def state(self) -> MediaPlayerState | None:
        """What it does."""
        return _STATES.get(self._state["status"]) if self._state else None

    @property
    def volume_level(self) -> float | None:
        """0 to 1."""
        return self._state["volume"]["level"] if self._state else None

    @property
    def is_volume_muted(self) -> bool | None:
        """Muted, whatever the level."""
        return self._state["volume"]["muted"] if self._state else None

    @property
    def media_content_id(self) -> str | None:
        """URI of what plays."""
        return self._track.get("uri")

    @property
    def media_content_type(self) -> MediaType | None:
        """Music, an episode, or a stream."""
        return _TYPES.get(self._track.get("kind", ""))

    @property
    def media_title(self) -> str | None:
        """Its title."""
        return self._track.get("title")

    @property
    def media_artist(self) -> str | None:
        """Those who made it, after each other."""
        return ", ".join(self._track.get("artists", [])) or None

    @property
    def media_album_name(self) -> str | None:
        """Where it is from; of an episode nothing."""
        return None if self._track.get("kind") == "episode" else self._track.get("album") or None

    @property
    def media_series_title(self) -> str | None:
        """The show of an episode."""
        return self._track.get("album") if self._track.get("kind") == "episode" else None

    @property
    def media_playlist(self) -> str | None:
        """What it is played from."""
        context = self._state["queue"]["context"] if self._state else None
        return context["title"] if context else None

    @property
    def media_duration(self) -> int | None:
        """Seconds; None where it has no end."""
        return round(self._track["duration"] / 1000) if self._track.get("duration") else None

    @property
    def media_position(self) -> float | None:
        """Seconds, at the moment it was last told."""
        return self._state["position"]["at"] / 1000 if self._state and self._track else None

    @property
    def media_position_updated_at(self) -> datetime | None:
        """That moment."""
        house = self._household.house
        return house.moment(self._state["position"]["measured"]) if house and self._state and self._track else None

    @property
    def media_image_url(self) -> str | None:
        """The smallest cover that is large enough."""
        covers = self._track.get("covers", [])
        fitting = [cover for cover in covers if cover["width"] == 0 or cover["width"] >= _COVER]
        chosen = fitting[-1:] or covers[:1]
        return chosen[0]["url"] if chosen else None

    @property
    def shuffle(self) -> bool | None:
        """In any order."""
        return self._state["order"]["shuffle"] if self._state else None

    @property
    def repeat(self) -> RepeatMode | None:
        """All of it, the track, or nothing again."""
        return _REPEAT.get(self._state["order"]["repeat"]) if self._state else None

    @property
    def source(self) -> str | None:
        """The preset that plays."""
        playing = self._state["preset"] if self._state else None
        return next((preset["name"] for preset in self._presets if preset["id"] == playing), None)

    @property
    def source_list(self) -> list[str]:
        """Presets that are offered here."""
        return [preset["name"] for preset in self._presets]

    @property
    def app_name(self) -> str | None:
        """What holds the zone."""
        held = self._state["source"] if self._state else None
        return _APPS.get(held, held) if held else None

    @property
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Who did it, and what else is going on."""
        state = self._state
        if state is None:
            return None
        return {
            "changed_by": state["by"]["changed"],
            "started_by": state["by"]["started"],
            "volume_limit": state["volume"]["limit"],
            "announcing": state["announcing"],
        }

    async def async_media_play(self) -> None:
        """Goes on."""
        await self._do({"kind": "play"})

    async def async_media_pause(self) -> None:
        """Pauses."""
        await self._do({"kind": "pause"})

    async def async_media_play_pause(self) -> None:
        """What is about to sound can be paused as well."""
        await self._do({"kind": "pause" if self.state in (MediaPlayerState.PLAYING, MediaPlayerState.BUFFERING) else "play"})

    async def async_media_stop(self) -> None:
        """Gives the zone back."""
        await self._do({"kind": "stop"})

    async_turn_on = async_media_play
    async_turn_off = async_media_stop

    async def async_media_next_track(self) -> None:
        """The next one."""
        await self._do({"kind": "next"})

    async def async_media_previous_track(self) -> None:
        """Back to the beginning, or to the one before."""
        await self._do({"kind": "previous"})

    async def async_media_seek(self, position: float) -> None:
        """To a place in the track, in seconds."""
        await self._do({"kind": "seek", "to": round(position * 1000)})

    async def async_set_volume_level(self, volume: float) -> None:
        """0 to 1."""
        await self._do({"kind": "volume", "level": volume})

    async def async_mute_volume(self, mute: bool) -> None:
        """Mutes, or not."""
        await self._do({"kind": "mute", "muted": mute})

    async def async_set_shuffle(self, shuffle: bool) -> None:
        """In any order, or in theirs."""
        await self._do({"kind": "shuffle", "on": shuffle})

    async def async_set_repeat(self, repeat: RepeatMode) -> None:
        """All, one, or off."""
        await self._do({"kind": "repeat", "mode": _REPEAT_BACK[repeat]})

    async def async_select_source(self, source: str) -> None:
        """Plays a preset, by its name."""
        preset = next((preset for preset in self._presets if preset["name"] == source), None)
        if preset is None:
            raise ServiceValidationError(f"There is no preset “{source}” here. There are: {', '.join(self.source_list) or 'none'}.")
        await self._do({"kind": "preset", "preset": preset["id"]})

    async def async_play_media(
        self,
        media_type: MediaType | str,
        media_id: str,
        enqueue: MediaPlayerEnqueue | None = None,
        announce: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """A Spotify link or URI, the address of a sound, a preset, or what Home Assistant has itself.

        `extra` may have `volume` (percent), of an announcement `chime`, else `shuffle`, `at` (seconds) and `from` (the row to begin with).
        """
        extra = kwargs.get("extra") or {}
        is_queued = enqueue in (MediaPlayerEnqueue.ADD, MediaPlayerEnqueue.NEXT)
        fitting = {"volume", "chime"} if announce else {"volume"} if is_queued or media_type == _PRESET else {"volume", "shuffle", "at", "from"}
        if unknown := set(extra) - fitting:
            raise ServiceValidationError(f"“extra” has what does not go with this: {', '.join(sorted(unknown))}.")
        if media_type == _PRESET and (announce or is_queued):
            raise ServiceValidationError("A preset can be played, but neither announced nor queued.")
        level = _number("volume", extra["volume"], 100) / 100 if "volume" in extra else None
        before = [{"kind": "volume", "level": level}] if level is not None else []
        if media_type == _PRESET:
            await self._do(*before, {"kind": "preset", "preset": media_id})
            return
        if media_source.is_media_source_id(media_id):
            found = await media_source.async_resolve_media(self.hass, media_id, self.entity_id)
            media_id = found.url
        if media_id.startswith(("/", "http://", "https://")):
            # Addresses of Home Assistant itself are made whole, and signed.
            media_id = async_process_play_media_url(self.hass, media_id)
        if announce:
            chosen = {"level": level} if level is not None else {}
            await self._do({"kind": "announce", "uri": media_id, **chosen, **({"chime": extra["chime"]} if "chime" in extra else {})})
        elif is_queued:
            await self._do(*before, {"kind": "enqueue", "uri": media_id})
        else:
            how = {name: extra[name] for name in ("shuffle", "from") if name in extra}
            at = {"at": round(_number("at", extra["at"], _LONGEST) * 1000)} if "at" in extra else {}
            await self._do(*before, {"kind": "play", "uri": media_id, **at, **how})

    async def async_browse_media(self, media_content_type: MediaType | str | None = None, media_content_id: str | None = None) -> BrowseMedia:
        """Presets first, then the sounds Home Assistant has."""
        if media_content_id and media_source.is_media_source_id(media_content_id):
            return await media_source.async_browse_media(self.hass, media_content_id, content_filter=_is_sound)
        children = [
            BrowseMedia(title=preset["name"], media_class=MediaClass.PLAYLIST, media_content_type=_PRESET, media_content_id=preset["id"], can_play=True, can_expand=False)
            for preset in self._presets
        ]
        try:
            others = await media_source.async_browse_media(self.hass, None, content_filter=_is_sound)
        except BrowseError:
            # Not every Home Assistant has sounds of its own.
            others = None
        if others is not None:
            children += [others] if others.domain else list(others.children or [])
        return BrowseMedia(title="Tonearm", media_class=MediaClass.DIRECTORY, media_content_type="", media_content_id="", can_play=False, can_expand=True, children=children, children_media_class=MediaClass.PLAYLIST)

    async def _do(self, *commands: Picture) -> None:
        """One step. Raises HomeAssistantError with what the daemon says."""
        try:
            await self._household.ask("zone/command", {"zone": self._zone, "commands": list(commands)})
        except TonearmError as error:
            raise HomeAssistantError(str(error)) from error


def _number(name: str, given: Any, most: float) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= most:
        raise ServiceValidationError(f"“{name}” is a number from 0 to {most}, not “{given}”.")
    return number


def _is_sound(item: BrowseMedia) -> bool:
    return item.can_expand or str(item.media_content_type).startswith("audio/")
