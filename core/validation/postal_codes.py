"""Shapes only, by the Universal Postal Union's addressing sheets and Unicode CLDR. Elsewhere any short text goes."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from core.validation.patterns import example, matches
from core.validation.text import as_code

MASKS = {
    "AD": "AD###", "AR": "#### | @####@@@", "AT": "####", "AU": "####", "BD": "####", "BE": "####", "BG": "####",
    "BR": "#####-###", "CA": "@#@ #@#", "CH": "####", "CN": "######", "CY": "####", "CZ": "### ##", "DE": "#####",
    "DK": "####", "EE": "#####", "EG": "#####", "ES": "#####", "FI": "#####", "FR": "#####",
    # The last one is Girobank's own; BFPO numbers are written like the others since 2012.
    "GB": "@## #@@ | @# #@@ | @#@ #@@ | @@# #@@ | @@## #@@ | @@#@ #@@ | GIR 0AA",
    "GR": "### ##", "HR": "#####", "HU": "####", "ID": "#####", "IE": "@#* ****", "IL": "####### | #####",
    "IN": "######", "IS": "###", "IT": "#####", "JP": "###-####", "KE": "#####", "KR": "#####", "LI": "####",
    "LK": "#####", "LT": "#####", "LU": "####", "LV": "####", "MA": "#####", "MC": "#####", "MT": "@@@ ####",
    "MX": "#####", "MY": "#####", "NG": "######", "NL": "#### @@", "NO": "####", "NP": "#####", "NZ": "####",
    "PH": "####", "PK": "#####", "PL": "##-###", "PT": "####-###", "RO": "######", "RS": "##### | ######",
    "RU": "######", "SA": "##### | #####-####", "SE": "### ##", "SG": "######", "SI": "####", "SK": "### ##",
    "SM": "#####", "TH": "#####", "TR": "#####", "TW": "### | ##### | ######", "UA": "#####",
    "US": "##### | #####-####", "VA": "#####", "VN": "##### | ######", "ZA": "####",
}  # fmt: skip

LABELS = {
    "AU": _("Postcode"),
    "BR": "CEP",
    "GB": _("Postcode"),
    "IE": "Eircode",
    "IN": _("PIN code"),
    "NZ": _("Postcode"),
    "US": _("ZIP code"),
}

ELSEWHERE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,19}")
POSTAL_MARK = "\N{POSTAL MARK}"  # in front of the number in Japan
COUNTRY_IN_FRONT = re.compile(r"[A-Z]{1,3}-(?=[0-9])")  # D-10115, LT-01100


def is_postal_code(country: str, text: str) -> bool:
    text = as_code(as_code(text).removeprefix(POSTAL_MARK))
    mask = MASKS.get(country)
    if mask is None:
        return ELSEWHERE.fullmatch(text) is not None
    return matches(mask, text) or matches(mask, COUNTRY_IN_FRONT.sub("", text.upper(), count=1))


def postal_code_label(country: str) -> str:
    return str(LABELS.get(country, _("Postal code")))


def postal_code_example(country: str) -> str:
    return example(MASKS[country]) if country in MASKS else ""
