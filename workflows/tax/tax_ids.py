from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.validation.tax_ids import has_check_digits, passes_check_digits
from workflows.periods import database_now

CHECK_DIGITS = "check digits"  # and no register
NO_MEANS = "none"  # the country's numbers have none that are known


@dataclass(frozen=True)
class TaxIdCheck:
    """What was known of a customer's tax id when an invoice was issued, to be kept with it."""

    value: str  # as typed
    country: str
    is_valid: bool
    checked_at: datetime
    by: str = CHECK_DIGITS

    def as_json(self) -> dict[str, str | bool]:
        return {
            "value": self.value,
            "country": self.country,
            "is_valid": self.is_valid,
            "checked_at": self.checked_at.isoformat(),
            "by": self.by,
        }


def check_tax_id(tax_id: str, country: str) -> TaxIdCheck:
    """Valid for a reverse charge: a number of a business of this country, whose check digits are right."""
    by = CHECK_DIGITS if has_check_digits(country) else NO_MEANS
    return TaxIdCheck(tax_id, country, passes_check_digits(country, tax_id), database_now(), by)
