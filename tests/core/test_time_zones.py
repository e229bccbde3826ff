from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zoneinfo
from datetime import UTC, date, datetime
from pathlib import Path

import pycountry
import pytest
import tzdata
from babel.core import get_global
from django.core import checks

from core import time_zones
from core.problems import ValidationError
from core.security.checks import check_time_zone_data
from core.time_zones import (
    canonical_time_zone,
    check_time_zone,
    offset_text,
    time_zone_names,
    time_zone_of_country,
    zone_of,
)
from workflows.periods import midnight

ROOT = Path(__file__).parents[2]
WINTER = datetime(2026, 11, 28, tzinfo=UTC)
# What Intl.supportedValuesOf("timeZone") of Chrome and Node has under a name that was changed since.
OF_BROWSERS = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Catamarca": "America/Argentina/Catamarca",
    "America/Coral_Harbour": "America/Atikokan",
    "America/Cordoba": "America/Argentina/Cordoba",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "America/Jujuy": "America/Argentina/Jujuy",
    "America/Louisville": "America/Kentucky/Louisville",
    "America/Mendoza": "America/Argentina/Mendoza",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Europe/Kiev": "Europe/Kyiv",
    "Pacific/Enderbury": "Pacific/Kanton",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}


@pytest.mark.parametrize(("old", "new"), OF_BROWSERS.items())
def test_name_that_a_browser_still_uses_is_taken_under_its_present_one(old, new):
    assert check_time_zone(old) == new
    assert zone_of(old).utcoffset(WINTER) == zone_of(new).utcoffset(WINTER)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Asia/Karachi", "Asia/Karachi"),
        ("Europe/Copenhagen", "Europe/Copenhagen"),  # a link to Berlin in the table, and a place of its own
        ("US/Pacific", "America/Los_Angeles"),
        ("EST5EDT", "America/New_York"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        *((name, "UTC") for name in ("UTC", "Etc/UTC", "Zulu", "GMT", "Etc/GMT0", "Universal")),
    ],
)
def test_zone_is_kept_under_its_present_name(name, canonical):
    assert canonical_time_zone(name) == canonical


@pytest.mark.parametrize(
    "name",
    ["localtime", "Factory", "posixrules", "posix/Asia/Karachi", "right/UTC", "Europe", "zone.tab", "asia/karachi", "",
     "Mars", "../UTC", "/etc/localtime", "Asia/Karachi ", "Etc/GMT+13", "Etc/Unknown", "a\0b"],
)  # fmt: skip
def test_unknown_time_zone_is_refused(name):
    with pytest.raises(ValidationError) as refused:
        check_time_zone(name)

    assert list(refused.value.members["errors"]) == ["time_zone"]


def test_every_name_of_the_table_leads_to_a_zone_with_the_same_clocks():
    moments = [datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 13)]
    for name in zoneinfo.available_timezones() - {"Factory"}:
        present = canonical_time_zone(name)

        assert present in time_zone_names() or re.fullmatch(r"Etc/GMT[+-]\d+", present), name
        assert [zone_of(name).utcoffset(at) for at in moments] == [zone_of(present).utcoffset(at) for at in moments]
        assert canonical_time_zone(present) == present


def test_renamed_zones_are_those_that_unicode_says():
    """CLDR keeps a list of its own of which name stands for which place."""
    differing = {
        (old, canonical_time_zone(old), canonical_time_zone(new))
        for old, new in get_global("zone_aliases").items()
        if old in zoneinfo.available_timezones() and canonical_time_zone(old) != canonical_time_zone(new)
    }

    assert differing == set()


def test_zones_to_choose_from_are_those_of_countries_and_utc():
    names = time_zone_names()

    assert names == sorted(names)
    assert len(names) > 400
    assert {"Asia/Karachi", "UTC"} < set(names)
    assert not {"Factory", "localtime", "Asia/Calcutta"} & set(names)


@pytest.mark.parametrize(
    ("country", "zone"),
    [("PK", "Asia/Karachi"), ("IN", "Asia/Kolkata"), ("MA", "Africa/Casablanca"), ("US", "America/New_York"),
     ("BR", "America/Sao_Paulo"), ("RU", "Europe/Moscow"), ("CA", "America/Toronto"), ("AU", "Australia/Sydney"),
     ("UZ", "Asia/Tashkent"), ("UA", "Europe/Kyiv"), ("ID", "Asia/Jakarta"), ("BV", "UTC"), ("", "UTC")],
)  # fmt: skip
def test_country_has_the_zone_of_most_of_its_people(country, zone):
    assert time_zone_of_country(country) == zone


def test_every_country_with_people_has_a_zone_that_may_be_chosen():
    guesses = {country.alpha_2: time_zone_of_country(country.alpha_2) for country in pycountry.countries}

    assert {code for code, zone in guesses.items() if zone == "UTC"} == {"BV", "HM"}  # islands without people
    assert set(guesses.values()) <= set(time_zone_names())


def test_days_begin_by_the_pinned_table_and_not_by_the_machine_s():
    """Morocco went back to UTC in September 2026, which tables from before do not know."""
    assert midnight(date(2026, 11, 28), "Africa/Casablanca") == datetime(2026, 11, 28, tzinfo=UTC)
    assert midnight(date(2026, 6, 28), "Africa/Casablanca") == datetime(2026, 6, 27, 23, tzinfo=UTC)


def test_search_path_of_the_environment_changes_nothing():
    """Asked of a process of its own, for which the operator named another table."""
    ask = (
        "import core.settings, zoneinfo; from datetime import datetime;"
        "print(zoneinfo.TZPATH, datetime(2026, 11, 28, tzinfo=zoneinfo.ZoneInfo('Africa/Casablanca')).utcoffset())"
    )
    environment = {**os.environ, "PYTHONTZPATH": "/usr/share/zoneinfo", "DEBUG": "true"}
    asked = subprocess.run(
        [sys.executable, "-c", ask], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert asked.stdout.strip() == "() 0:00:00"


def test_unknown_stored_zone_counts_in_utc_and_is_logged_once(caplog):
    zone_of.cache_clear()

    assert [zone_of(name).utcoffset(WINTER).total_seconds() for name in ("localtime", "Europe", "localtime")] == [
        0,
        0,
        0,
    ]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "'localtime'" in caplog.text


@pytest.mark.parametrize(
    ("zone", "words"),
    [("Asia/Kolkata", "UTC+05:30"), ("America/St_Johns", "UTC-03:30"), ("UTC", "UTC"), ("Africa/Abidjan", "UTC")],
)
def test_offset_is_written_with_hours_and_minutes(zone, words):
    assert offset_text(zone, WINTER) == words


def test_oldest_table_is_the_one_of_the_requirements():
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pin,) = re.findall(r"^tzdata==(\S+) \\$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)

    assert f"tzdata>={time_zones.OLDEST_TABLE}" in requirements
    assert time_zones._release(pin) >= time_zones._release(time_zones.OLDEST_TABLE)
    assert check_time_zone_data() == []


@pytest.mark.parametrize("version", ["2025.2", "2026.5", "2024.10"])
def test_older_table_refuses_the_start(monkeypatch, version):
    monkeypatch.setattr(tzdata, "__version__", version)

    (fault,) = check_time_zone_data()

    assert (fault.id, fault.level, version in fault.msg) == ("core.E001", checks.ERROR, True)


@pytest.mark.parametrize("version", ["2026.10", "2027.1", "2026.6.post1"])
def test_newer_table_is_taken(monkeypatch, version):
    monkeypatch.setattr(tzdata, "__version__", version)

    assert check_time_zone_data() == []


def test_operating_system_s_table_refuses_the_start(monkeypatch):
    monkeypatch.setattr(zoneinfo, "TZPATH", ("/usr/share/zoneinfo",))

    (fault,) = check_time_zone_data()

    assert (fault.id, "/usr/share/zoneinfo" in fault.msg) == ("core.E001", True)


def test_check_is_asked_before_every_command():
    assert check_time_zone_data in checks.registry.registry.get_checks()
