from __future__ import annotations

from django.conf import settings

from core.models import Account, Invoice, Membership
from engine import NewEffect
from engine.models import Effect
from workflows.mail import context
from workflows.mail.sending import EmailContext, mail
from workflows.payees.missing_methods import unpayable
from workflows.periods import database_now

LOOKED_AT = 500  # open invoices, the newest
NAMED_INVOICES = 10


@mail("no_way_to_pay", to_staff=True)
def mail_no_way_to_pay(_: None, effect: Effect) -> EmailContext | None:
    open_ones = Invoice.objects.filter(status__in=Invoice.OPEN).select_related("account").order_by("-pk")
    found = unpayable(open_ones[:LOOKED_AT])
    places: list[str] = effect.payload.get("places", [])
    if not places and not found:
        return None
    return EmailContext(context.no_way_to_pay(places, found[:NAMED_INVOICES], len(found)), to=settings.OPERATOR_EMAILS)


@mail("no_owner", to_staff=True)
def mail_no_owner(account: Account, effect: Effect) -> EmailContext | None:
    owners = account.memberships.filter(role=Membership.Role.OWNER, user__is_active=True)
    if account.status == Account.Status.CLOSED or owners.exists():
        return None
    return EmailContext(context.no_owner(account), to=settings.OPERATOR_EMAILS)


def unpayable_alerts(invoices: list[Invoice]) -> list[NewEffect]:
    """At most one a day. Needs each invoice's account."""
    if not unpayable(invoices):
        return []
    return [NewEffect(mail_no_way_to_pay, key=f"no_way_to_pay:{database_now():%Y-%m-%d}")]
