"""How patient we are: the numbers behind reminders, grace and expiry, as one row that staff may edit."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from core.models.row import JsonFits, list_of_days

log = logging.getLogger(__name__)

REMINDER_STEPS = [-7, -3, 0, 3, 10]  # days around the due date
REMINDERS_AT_MOST = 10
WAIT_AT_MOST = 24 * 30  # hours
DAYS_AT_MOST = 365  # of everything here; longer, and a date could be beyond all calendars
DAYS = (
    "days_to_pay",
    "renewal_lead_days",
    "trial_warning_days",
    "signup_expiry_days",
    "grace_days",
    "suspension_days",
    "claim_pause_days",
)
GRANT_WAIT_HOURS_AT_MOST = 720  # 30 days


def reminder_steps() -> list[int]:
    return list(REMINDER_STEPS)


def _days(default: int) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(default=default, validators=[MaxValueValidator(DAYS_AT_MOST)])


def _hours(default: int) -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(
        default=default, db_default=default, validators=[MinValueValidator(1), MaxValueValidator(WAIT_AT_MOST)]
    )


class Policy(models.Model):
    """Days everywhere but where hours are said. The row is made with its defaults when it is first asked for."""

    days_to_pay = _days(7)  # from issue to due
    renewal_lead_days = _days(7)  # a renewal is issued so long before its period
    reminder_steps = models.JSONField(default=reminder_steps, blank=True)  # empty: nobody is reminded
    trial_warning_days = _days(3)  # before a trial ends; of a shorter trial, and with 0, nobody is warned
    signup_expiry_days = _days(14)  # an unpaid sign-up, after its due date
    grace_days = _days(7)  # past due, before suspension
    suspension_days = _days(30)  # suspended, before the end
    claim_pause_days = _days(7)  # an open claim holds all of it up so long
    # Before a right that one person asked for is in force, where nobody else could confirm it.
    grant_wait_hours = models.PositiveSmallIntegerField(
        default=24, db_default=24, validators=[MinValueValidator(1), MaxValueValidator(GRANT_WAIT_HOURS_AT_MOST)]
    )

    # Another payee of a method that invoices show: before it is in force, and where nobody else could confirm it.
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
                condition=Q(grant_wait_hours__gte=1, grant_wait_hours__lte=GRANT_WAIT_HOURS_AT_MOST),
            ),
            models.CheckConstraint(
                name="policy_reminder_steps",
                condition=Q(JsonFits("reminder_steps", path=list_of_days(REMINDERS_AT_MOST, DAYS_AT_MOST))),
            ),
        ]

    def __str__(self) -> str:
        return "Policy"

    @classmethod
    def current(cls) -> Policy:
        return cls.objects.get_or_create(pk=1)[0]

    @property
    def reminder_days(self) -> list[int]:
        """The steps in their order. What is no step was saved past the forms: it is left out and logged."""
        steps = self.reminder_steps if isinstance(self.reminder_steps, list) else []
        good = sorted({step for step in steps if _is_step(step)})
        if steps is not self.reminder_steps or len(good) != len(steps):
            log.error("reminder_steps of the policy are %r: taken are %r", self.reminder_steps, good)
        return good[:REMINDERS_AT_MOST]

    def clean(self) -> None:
        """Keep the steps in their order."""
        self._check_waits()
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


def _is_step(step: Any) -> bool:
    return isinstance(step, int) and not isinstance(step, bool) and -DAYS_AT_MOST <= step <= DAYS_AT_MOST
