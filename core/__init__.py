"""The nouns: what is true. The only room with tables, hence one migration history."""

import zoneinfo

# One table of time zones for every process: that of the pinned package `tzdata`. zoneinfo prefers the operating
# system's, which is as old as the image it came with and has other names (core/time_zones.py). Here, because every
# process imports `core.settings` before it asks for any zone.
zoneinfo.reset_tzpath(())
zoneinfo.ZoneInfo.clear_cache()
