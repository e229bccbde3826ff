"""How patient we are: the numbers behind reminders, grace and expiry, as one row that staff may edit."""

from __future__ import annotations

from django.db import models

REMINDER_STEPS = [-7, -3, 0, 3, 10]  # days around the due date


def reminder_steps() -> list[int]:
    return list(REMINDER_STEPS)


class Policy(models.Model):
    """Days everywhere. The row is made with its defaults when it is first asked for."""

    days_to_pay = models.PositiveSmallIntegerField(default=7)  # from issue to due
    renewal_lead_days = models.PositiveSmallIntegerField(default=7)  # a renewal is issued so long before its period
    reminder_steps = models.JSONField(default=reminder_steps)
    trial_warning_days = models.PositiveSmallIntegerField(default=3)  # before a trial ends
    signup_expiry_days = models.PositiveSmallIntegerField(default=14)  # an unpaid sign-up, after its due date
    grace_days = models.PositiveSmallIntegerField(default=7)  # past due, before suspension
    suspension_days = models.PositiveSmallIntegerField(default=30)  # suspended, before the end
    claim_pause_days = models.PositiveSmallIntegerField(default=7)  # an open claim holds all of it up so long

    class Meta:
        verbose_name_plural = "policy"
        constraints = [models.CheckConstraint(name="policy_is_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return "Policy"

    @classmethod
    def current(cls) -> Policy:
        return cls.objects.get_or_create(pk=1)[0]
