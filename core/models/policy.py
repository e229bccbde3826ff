from __future__ import annotations

import logging
import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value

from core.models.base import JsonFits, list_of_days, whole_by_currency
from core.money import is_currency

log = logging.getLogger(__name__)

REMINDER_STEPS = [-7, -3, 0, 3, 10]  # days around the due date
REMINDERS_AT_MOST = 10
WAIT_AT_MOST = 24 * 30  # hours
# About the price of a year of a large plan.
OTHER = "other"  # currencies that are not named
CLAIM_CEILINGS = {
    "USD": 5_000, "EUR": 5_000, "GBP": 5_000, "AED": 20_000, "BDT": 600_000, "BRL": 25_000, "IDR": 80_000_000,
    "INR": 500_000, "JPY": 750_000, "KES": 650_000, "KRW": 7_000_000, "NGN": 7_500_000, "PKR": 1_400_000,
    "VND": 125_000_000, OTHER: 5_000,
}  # fmt: skip
CEILING_AT_MOST = 10**12 - 1
ADJUSTMENT_LIMIT, ADJUSTMENT_AT_MOST = 1_000_000, 1_000_000_000  # credits
DAYS_AT_MOST = 365  # so that no date overflows
DAYS = (
    "days_to_pay",
    "renewal_lead_days",
    "trial_warning_days",
    "signup_expiry_days",
    "grace_days",
    "suspension_days",
    "claim_pause_days",
)


def reminder_steps() -> list[int]:
    return list(REMINDER_STEPS)


def claim_ceilings() -> dict[str, int]:
    return dict(CLAIM_CEILINGS)


def _days(default: int) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(default=default, validators=[MaxValueValidator(DAYS_AT_MOST)])


def _hours(default: int) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(
        default=default, db_default=default, validators=[MinValueValidator(1), MaxValueValidator(WAIT_AT_MOST)]
    )


class Policy(models.Model):
    """One row, created with defaults on first use."""

    days_to_pay = _days(7)  # from issue to due
    renewal_lead_days = _days(7)  # before its period
    reminder_steps = models.JSONField(default=reminder_steps, blank=True)  # empty: no reminders
    trial_warning_days = _days(3)  # no warning for a shorter trial, or with 0
    signup_expiry_days = _days(14)  # an unpaid sign-up, after its due date
    grace_days = _days(7)  # past due, before suspension
    suspension_days = _days(30)  # suspended, before the end
    claim_pause_days = _days(7)  # of all claims of an invoice together
    # In whole units: above this, a claim of more than ten times what is open is refused.
    claim_ceilings = models.JSONField(
        default=claim_ceilings,
        db_default=Value(CLAIM_CEILINGS, models.JSONField()),
        blank=True,
    )
    adjustment_limit = models.PositiveIntegerField(  # of credits, by hand
        default=ADJUSTMENT_LIMIT,
        db_default=ADJUSTMENT_LIMIT,
        validators=[MinValueValidator(1), MaxValueValidator(ADJUSTMENT_AT_MOST)],
    )
    # Before a right that one person asked for is in force, where nobody else could confirm it.
    grant_wait_hours = _hours(24)

    # Before another payee of a method that invoices show is in force; alone: where nobody else could confirm it.
    payee_wait_hours = _hours(4)
    payee_wait_hours_alone = _hours(24)

    class Meta:
        verbose_name_plural = "policy"
        constraints = [
            models.CheckConstraint(name="policy_is_one_row", condition=models.Q(pk=1)),
            models.CheckConstraint(
                name="policy_days_in_range", condition=Q(**{f"{name}__lte": DAYS_AT_MOST for name in DAYS})
            ),
            models.CheckConstraint(
                name="policy_payee_wait",
                condition=Q(payee_wait_hours__gte=1, payee_wait_hours_alone__lte=WAIT_AT_MOST)
                & Q(payee_wait_hours__lte=F("payee_wait_hours_alone")),
            ),
            models.CheckConstraint(
                name="policy_grant_wait_hours",
                condition=Q(grant_wait_hours__gte=1, grant_wait_hours__lte=WAIT_AT_MOST),
            ),
            models.CheckConstraint(
                name="policy_reminder_steps",
                condition=Q(JsonFits("reminder_steps", path=list_of_days(REMINDERS_AT_MOST, DAYS_AT_MOST))),
            ),
            models.CheckConstraint(
                name="policy_claim_ceilings",
                condition=Q(JsonFits("claim_ceilings", path=whole_by_currency(OTHER, CEILING_AT_MOST))),
            ),
            models.CheckConstraint(
                name="policy_adjustment_limit",
                condition=Q(adjustment_limit__gte=1, adjustment_limit__lte=ADJUSTMENT_AT_MOST),
            ),
        ]

    def __str__(self) -> str:
        return "Policy"

    @classmethod
    def current(cls) -> Policy:
        return cls.objects.get_or_create(pk=1)[0]

    @property
    def reminder_days(self) -> list[int]:
        """Ascending. Invalid steps, saved without the forms, are left out and logged."""
        steps = self.reminder_steps if isinstance(self.reminder_steps, list) else []
        good = sorted({step for step in steps if _is_step(step)})
        if steps is not self.reminder_steps or len(good) != len(steps):
            log.error("reminder_steps of the policy are %r: taken are %r", self.reminder_steps, good)
        return good[:REMINDERS_AT_MOST]

    def claim_ceiling(self, currency: str) -> Decimal:
        return Decimal(self.claim_ceilings.get(currency, self.claim_ceilings.get(OTHER, 0)))

    def clean(self) -> None:
        self._check_waits()
        self._clean_steps()
        self._check_ceilings()

    def _clean_steps(self) -> None:
        steps: Any = self.reminder_steps
        if not isinstance(steps, list) or not all(_is_step(step) for step in steps):
            words = f"Write whole numbers of days from -{DAYS_AT_MOST} to {DAYS_AT_MOST}, such as -7, 0, 3."
            raise ValidationError({"reminder_steps": words})
        if len(set(steps)) != len(steps):
            raise ValidationError({"reminder_steps": "Write each day once."})
        if len(steps) > REMINDERS_AT_MOST:
            raise ValidationError({"reminder_steps": f"At most {REMINDERS_AT_MOST} reminders."})
        self.reminder_steps = sorted(steps)

    def _check_waits(self) -> None:
        together, alone = self.payee_wait_hours, self.payee_wait_hours_alone
        if isinstance(together, int) and isinstance(alone, int) and alone < together:
            raise ValidationError({"payee_wait_hours_alone": "One person alone waits at least as long as two."})

    def _check_ceilings(self) -> None:
        ceilings: Any = self.claim_ceilings
        if not isinstance(ceilings, dict) or not all(map(_is_ceiling, ceilings.values())):
            words = 'Write whole numbers from 0 on by currency, such as {"USD": 1000, "other": 1000}.'
            raise ValidationError({"claim_ceilings": words})
        for code in ceilings:
            if code != OTHER and not (re.fullmatch("[A-Z]{3}", code) and is_currency(code)):
                raise ValidationError({"claim_ceilings": f"{code!r} is not a currency of today."})


def _is_ceiling(amount: Any) -> bool:
    return isinstance(amount, int) and not isinstance(amount, bool) and 0 <= amount <= CEILING_AT_MOST


def _is_step(step: Any) -> bool:
    return isinstance(step, int) and not isinstance(step, bool) and -DAYS_AT_MOST <= step <= DAYS_AT_MOST
