"""What a new installation still lacks, read off its rows and its settings each time: nothing is ticked off."""

from __future__ import annotations

from email.utils import parseaddr

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Exists

from core.models import BankAccount, PaymentMethod, PlanPrice, Policy, SellerVersion, User
from core.payees.instructions import DEMO_WARNING
from core.validation.mailboxes import host_of, is_reserved
from workflows.mail.brand import current_brand
from workflows.mail.mail_check import delivered_tests

APPROVE = "core.approve_payment"
ORDER = ("company", "plan", "way_to_pay", "approvers", "operators", "mail", "reminders", "bank_account")
NEEDED_APPROVERS = 2  # nobody decides on what they recorded themselves


def first_run(user: User) -> dict[str, bool]:
    """Whether each is done, in the order in which they are best done; two queries. user: who asks."""
    log = LogEntry.objects.filter(content_type__app_label="core", content_type__model=Policy._meta.model_name)
    wanted = {
        "company": SellerVersion.objects.exclude(footer__contains=DEMO_WARNING),
        "plan": PlanPrice.objects.offered().filter(plan__is_public=True, amount__gt=0),
        "way_to_pay": PaymentMethod.objects.filter(is_enabled=True, is_demo=False),
        "approvers": User.objects.staff_with(APPROVE)[NEEDED_APPROVERS - 1 :],
        "mail": delivered_tests(),
        "reminders": log,
        "bank_account": BankAccount.objects.exclude(payment_methods__is_demo=True),
    }
    rows = User.objects.filter(pk=user.pk).values_list(*map(Exists, wanted.values()))
    found = dict(zip(wanted, rows.get(), strict=True))
    brand = current_brand()
    found["operators"] = (
        is_own(brand.sender)
        and (not brand.reply_to or is_own(brand.reply_to))
        and any(map(is_own, settings.OPERATOR_EMAILS))
    )
    return {name: found[name] for name in ORDER}


def is_own(address: str) -> bool:
    """Not at a domain that is reserved for examples."""
    host = host_of(parseaddr(address)[1])
    return bool(host) and not is_reserved(host)
