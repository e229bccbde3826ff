"""From nobody to a customer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.billing_details import check_billing
from core.limits import Crowd
from core.models import Account, Invoice, Membership, PaymentMethod, Plan, PlanPrice, Subscription, User
from core.problems import Conflict
from core.text import composed
from core.time_zones import check_time_zone, time_zone_of_country
from engine import begin
from workflows.actions.accounts import check_account_name
from workflows.actions.people import ask_to_verify, newcomer
from workflows.actions.subscriptions import price_of, subscribe
from workflows.actions.trials import put_on_list, takes_trial
from workflows.ledger import grant, post
from workflows.periods import database_now, today_in


@dataclass
class SignUp:
    user: User
    account: Account
    subscription: Subscription | None = None
    invoice: Invoice | None = None


def sign_up(
    *,
    email: str,
    password: str | None,
    account_name: str,
    plan: Plan,
    currency: str,
    billing: dict[str, str],
    payment_method: PaymentMethod | None = None,
    language: str = "en",
    interval: str = PlanPrice.Interval.MONTH,
    time_zone: str = "",
    crowds: Iterable[Crowd] = (),
) -> SignUp:
    """Open an account: on trial with its credits, or waiting for the payment of a first invoice.

    password: None: whoever it is sets one later. time_zone: empty: that of the billing country, else UTC.
    crowds: where so many trials begin that staff look at this one: core.limits.count_trial().
    Raises ValidationError for a name, billing details or a time zone that cannot be accepted, Conflict when the e-mail
    address has an account already, or its mailbox had a trial less than a year ago.
    """
    price = price_of(plan, currency, interval)
    account_name = composed(account_name)
    check_account_name(account_name, field="account_name")
    check_billing(billing, is_paid=price.amount > 0)
    zone = check_time_zone(time_zone) if time_zone else time_zone_of_country(billing.get("country", ""))
    with atomic():
        user = newcomer(email, password)
        if user is None:
            raise Conflict(_("This e-mail address has an account already. Sign in, or reset its password."))
        is_free = price.amount == 0
        if is_free and not takes_trial(email):
            raise _no_second_trial(currency)
        account = Account(
            status=Account.Status.TRIAL if is_free else Account.Status.PENDING_PAYMENT,
            name=account_name,
            currency=currency,
            language=language,
            time_zone=zone,
            **billing,
        )
        if is_free:
            today = today_in(account.time_zone, database_now())
            account.trial_ends_on = today + timedelta(days=plan.trial_days)
        birth = begin(account, by=user, plan=plan.code)
        Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
        ask_to_verify(user)
        if is_free:
            put_on_list(account, crowds)
            post([grant(account, plan.credits, key="grant:trial", description=plan.name, cause_id=birth.pk)])
            return SignUp(user, account)
        subscription, invoice = subscribe(account, price, payment_method, by=user, cause=birth)
        return SignUp(user, account, subscription, invoice)


def _no_second_trial(currency: str) -> Conflict:
    paid = Plan.objects.filter(is_public=True, prices__currency=currency, prices__amount__gt=0)
    names = list(paid.order_by("position", "pk").values_list("code", "name").distinct())
    words = _("This e-mail address had a free trial less than a year ago. Choose a paid plan: %(plans)s.")
    return Conflict(words % {"plans": ", ".join(name for _code, name in names)}, plans=[code for code, _name in names])
