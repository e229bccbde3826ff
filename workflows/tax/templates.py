"""Rules to begin with. They are no advice: docs/tax.md says what an operator has to have checked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from core.models import TaxRule
from core.validation.countries import EU, EU_MEMBERS

RATES_AS_OF = date(2026, 11, 1)
# Standard rates; docs/tax.md names the sources.
RATES = {
    "AE": "5", "AT": "20", "AU": "10", "BE": "21", "BG": "20", "CH": "8.1", "CY": "19", "CZ": "21", "DE": "19",
    "DK": "25", "EE": "24", "ES": "21", "FI": "25.5", "FR": "20", "GB": "20", "GR": "24", "HR": "25", "HU": "27",
    "IE": "23", "IN": "18", "IT": "22", "LT": "21", "LU": "17", "LV": "21", "MT": "18", "NL": "21", "NO": "25",
    "PL": "23", "PT": "23", "RO": "21", "SA": "15", "SE": "25", "SG": "9", "SI": "22", "SK": "23", "ZA": "15",
}  # fmt: skip
GST = ("AU", "IN", "SG")  # elsewhere the tax is called VAT
CGST_SGST = [{"label": "CGST", "share": 50}, {"label": "SGST", "share": 50}]


def rules_from_template(country: str) -> list[TaxRule]:
    """Of a seller there, not saved; empty where there is no template."""
    if country not in RATES:
        return []
    label = "GST" if country in GST else "VAT"
    seller = {"seller_country": country, "valid_from": RATES_AS_OF, "label": label}
    facts = [*_at_home(country), *(_in_the_eu(country) if country in EU_MEMBERS else []), _export(country, label)]
    return [TaxRule(**{**seller, **each}) for each in facts]


def _at_home(country: str) -> Iterable[dict[str, Any]]:
    standard = {"customer_country": country, "category": "S", "rate": Decimal(RATES[country])}
    if country != "IN":
        return [standard]
    return [
        {**standard, "same_region": True, "parts": CGST_SGST},
        {**standard, "same_region": False, "label": "IGST"},
    ]


def _in_the_eu(country: str) -> Iterable[dict[str, Any]]:
    yield {
        "customer_country": EU,
        "has_tax_id": True,
        "category": "AE",
        "reason": "Reverse charge",
        "reason_code": "VATEX-EU-AE",
    }
    yield {"customer_country": EU, "category": "S", "rate": Decimal(RATES[country])}  # up to 10,000 euros a year


def _export(country: str, label: str) -> dict[str, Any]:
    if country in EU_MEMBERS:
        return {"category": "G", "reason": "Export outside the EU", "reason_code": "VATEX-EU-G"}
    return {"category": "G", "reason": f"Export: no {label} is charged"}
