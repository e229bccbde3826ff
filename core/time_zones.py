"""Python decides which day it is for a customer; PostgreSQL, whose data is another release, only compares moments."""

from __future__ import annotations

import logging
import zoneinfo
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import cache, lru_cache
from importlib import resources

import tzdata
from django.utils.translation import gettext as _

from core.problems import ValidationError

log = logging.getLogger(__name__)

# By an older table some customers' days begin at the wrong hour.
OLDEST_TABLE = "2026.6"

# Where zone.tab, which goes from east to west, does not begin with the largest.
LARGEST = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "FM": "Pacific/Pohnpei",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}

# Old names that lead to another country, and the place itself. The last four belong to no country.
RENAMED = {
    "Africa/Asmera": "Africa/Asmara",
    "Africa/Timbuktu": "Africa/Bamako",
    "America/Coral_Harbour": "America/Atikokan",
    "America/Virgin": "America/St_Thomas",
    "Atlantic/Jan_Mayen": "Arctic/Longyearbyen",
    "Iceland": "Atlantic/Reykjavik",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
    "Pacific/Yap": "Pacific/Chuuk",
    "CST6CDT": "America/Chicago",
    "EST5EDT": "America/New_York",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
}

FIXED = frozenset(f"Etc/GMT{sign}{hours}" for sign, most in (("+", 12), ("-", 14)) for hours in range(1, most + 1))


def time_zone_names() -> list[str]:
    return sorted({*_countries_of_zones(), "UTC"})


def table_names() -> list[str]:
    return sorted(name for name in zoneinfo.available_timezones() if canonical_time_zone(name))


def canonical_time_zone(name: str) -> str:
    """Empty for an unknown one."""
    places, links = _countries_of_zones(), _links()
    while name not in places and (name in RENAMED or name in links):
        name = RENAMED.get(name) or links[name]
    if name in ("Etc/UTC", "Etc/GMT"):
        return "UTC"
    return name if name in places or name in FIXED else ""


def check_time_zone(name: str) -> str:
    """Raises ValidationError for an unknown zone."""
    canonical = canonical_time_zone(name)
    if not canonical:
        raise ValidationError({"time_zone": [_("Choose a time zone of the IANA database, such as Asia/Karachi.")]})
    return canonical


def time_zone_of_country(country: str) -> str:
    """Where most people live; UTC without one."""
    return LARGEST.get(country) or next(
        (name for name, code in _countries_of_zones().items() if code == country), "UTC"
    )


@lru_cache(1000)
def zone_of(name: str) -> tzinfo:
    """UTC, logged once, for an unknown name."""
    with suppress(zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        return zoneinfo.ZoneInfo(name)
    log.error("The time zone %r is not in the table %s: its days are counted in UTC.", name, tzdata.IANA_VERSION)
    return zoneinfo.ZoneInfo("UTC")


def offset_text(name: str, now: datetime) -> str:
    """`"UTC+05:30"`"""
    offset = now.astimezone(zone_of(name)).utcoffset() or timedelta(0)
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else "UTC"


def table_faults() -> list[str]:
    faults = []
    if _release(tzdata.__version__) < _release(OLDEST_TABLE):
        faults.append(f"The package tzdata is {tzdata.__version__}: {OLDEST_TABLE} or newer is needed.")
    if zoneinfo.TZPATH:
        faults.append(f"Time zones are read from {', '.join(zoneinfo.TZPATH)}, not from the package tzdata.")
    return faults


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@cache
def _countries_of_zones() -> dict[str, str]:
    """Inhabited zones, in the order of the table."""
    rows = (line.split("\t") for line in _lines("zone.tab") if not line.startswith("#"))
    return {name: country for country, _position, name, *_comment in rows}


@cache
def _links() -> dict[str, str]:
    pairs = (line.split() for line in _lines("tzdata.zi") if line.startswith("L "))
    return {name: target for _letter, target, name in pairs}


def _lines(file: str) -> list[str]:
    return resources.files("tzdata.zoneinfo").joinpath(file).read_text(encoding="utf-8").splitlines()
