"""What Tonearm cannot mend by itself, shown under Settings → Repairs until it is over."""

from collections.abc import Iterable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, TROUBLESHOOTING
from .daemon import Picture


class Repairs:
    """The issues of one daemon: its conditions, and the notices of its zones."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._shown: dict[str, dict[str, tuple[str, str]]] = {"part": {}, "zone": {}}

    @callback
    def conditions(self, conditions: Iterable[Picture]) -> None:
        """Takes what is wrong now, and nothing else, from the answer to `conditions`."""
        self._show("part", {f"{one['part']}_{one['code']}": (self._entry.title, one["message"]) for one in conditions if one["code"]})

    @callback
    def zones(self, zones: Iterable[Picture]) -> None:
        """The same from the notices of all zones."""
        noticed = [(zone, zone["state"]["notice"]) for zone in zones if zone["state"]["notice"]]
        self._show("zone", {f"{zone['id']}_{notice['code']}": (zone["name"], notice["message"]) for zone, notice in noticed})

    @callback
    def clear(self) -> None:
        """Nothing is known to be wrong."""
        self._show("part", {})
        self._show("zone", {})

    @callback
    def _show(self, kind: str, wanted: dict[str, tuple[str, str]]) -> None:
        shown = self._shown[kind]
        for name in [name for name in shown if name not in wanted]:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue(kind, name))
            del shown[name]
        for name, (where, message) in wanted.items():
            if shown.get(name) == (where, message):
                continue
            shown[name] = (where, message)
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                self._issue(kind, name),
                is_fixable=False,
                learn_more_url=TROUBLESHOOTING,
                severity=ir.IssueSeverity.WARNING,
                translation_key=kind,
                translation_placeholders={"name": where, "message": message},
            )

    def _issue(self, kind: str, name: str) -> str:
        return f"{self._entry.entry_id}_{kind}_{name}"
