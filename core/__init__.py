import zoneinfo

# Every process takes time zones from the pinned `tzdata`: the operating system's table is as old as its image. Here,
# because every process imports `core.settings` before it asks for a zone.
zoneinfo.reset_tzpath(())
zoneinfo.ZoneInfo.clear_cache()
