"""Names used in more than one place."""

from homeassistant.const import Platform

DOMAIN = "tonearm"
PLATFORMS = [Platform.MEDIA_PLAYER]
# Beside what is wrong stands where to read on.
TROUBLESHOOTING = "https://example.org/tonearm/docs/troubleshooting.md#all-codes"
