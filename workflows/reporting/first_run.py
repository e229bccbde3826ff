"""What a new installation still lacks, read off its rows and its settings each time: nothing is ticked off."""

from __future__ import annotations

from email.utils import parseaddr

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Exists

from core.models import BankAccount, PaymentMethod, PlanPrice, Policy, User
from core.validation.mailboxes import host_of, is_reserved
from workflows.mail.mail_check import mail_works

APPROVE = "core.approve_payment"
NEEDED_APPROVERS = 2  # nobody decides on what they recorded themselves


def first_run(user: User) -> dict[str, bool]:
    """Whether each is done, in the order in which they are best done. user: who asks."""
    wanted = {
        "plan": PlanPrice.objects.offered().filter(plan__is_public=True, amount__gt=0),
        "way_to_pay": PaymentMethod.objects.filter(is_enabled=True, is_demo=False),
        "bank_account": BankAccount.objects.exclude(payment_methods__is_demo=True),
        "reminders": LogEntry.objects.filter(
            content_type__app_label="core", content_type__model=Policy._meta.model_name
        ),
    }
    rows = User.objects.filter(pk=user.pk).values_list(*map(Exists, wanted.values()))
    found = dict(zip(wanted, rows.get(), strict=True))
    return {
        "plan": found["plan"],
        "way_to_pay": found["way_to_pay"],
        "approvers": User.objects.staff_with(APPROVE)[:NEEDED_APPROVERS].count() >= NEEDED_APPROVERS,
        "operators": is_own(settings.MAIL_FROM) and any(map(is_own, settings.OPERATOR_EMAILS)),
        "mail": mail_works(),
        "reminders": found["reminders"],
        "bank_account": found["bank_account"],
    }


def is_own(address: str) -> bool:
    """Not at a domain that is reserved for examples."""
    host = host_of(parseaddr(address)[1])
    return bool(host) and not is_reserved(host)
