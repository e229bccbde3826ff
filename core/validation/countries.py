from __future__ import annotations

import gettext as catalogues
import unicodedata
from functools import cache

import pycountry
from django.utils.translation import get_language

EU = "EU"  # reserved in ISO 3166-1, and no country
EU_MEMBERS = frozenset(
    [
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    ]
)  # fmt: skip


@cache
def country_codes() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


def country_choices() -> list[tuple[str, str]]:
    """(code, name), sorted by name."""
    return _named_in((get_language() or "en").partition("-")[0])


@cache
def _named_in(language: str) -> list[tuple[str, str]]:
    words = catalogues.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
    named = [(country.alpha_2, words.gettext(_short(country))) for country in pycountry.countries]
    return sorted(named, key=lambda pair: unicodedata.normalize("NFKD", pair[1]).casefold())


def _short(country: object) -> str:
    """Bolivia, not Bolivia, Plurinational State of."""
    return str(getattr(country, "common_name", None) or getattr(country, "name", ""))
