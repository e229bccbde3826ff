from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Account, Invoice, Membership, Plan, PlanPrice, Subscription, User
from core.models.billing_details import check_billing
from core.problems import Conflict, check_all
from core.security.rate_limits import Crowd
from core.time_zones import check_time_zone, time_zone_of_country
from core.validation.text import composed
from engine import create
from workflows.actions.accounts import check_account_name
from workflows.actions.offers import find_method, find_plan
from workflows.actions.people import ask_to_verify, check_new_password, get_or_reactivate_user
from workflows.actions.subscriptions import price_of, subscribe
from workflows.actions.trials import record_crowded_trial, take_trial
from workflows.periods import database_now, today_in
from workflows.settlement.credits import grant, post


@dataclass
class SignUp:
    user: User
    account: Account
    subscription: Subscription | None = None
    invoice: Invoice | None = None


def admit_without_limits(*, is_trial: bool) -> Iterable[Crowd]:
    """No limits, for sign-ups without a request."""
    return ()


def sign_up(
    *,
    email: str,
    password: str | None,
    account_name: str,
    plan: str,
    currency: str,
    billing: Mapping[str, str],
    payment_method: str | None = None,
    language: str = "en",
    interval: str = PlanPrice.Interval.MONTH,
    time_zone: str = "",
    admit: Callable[..., Iterable[Crowd]] = admit_without_limits,
) -> SignUp:
    """On trial with its credits, or waiting for a first payment. admit: see core.security.rate_limits.count_sign_up().

    time_zone: empty: that of the billing country, else UTC. Raises Conflict if the address has an account, or its
    mailbox had a trial less than a year ago.
    """
    price = price_of(find_plan(plan), currency, interval)
    is_free = price.amount == 0
    account_name = composed(account_name)
    check_sign_up(email=email, password=password, account_name=account_name, billing=billing, is_paid=not is_free)
    country = billing.get("country", "")  # the method depends on it
    method = None if payment_method is None else find_method(payment_method, country)
    zone = check_time_zone(time_zone) if time_zone else time_zone_of_country(country)
    # Rate limits count only when all else is valid.
    crowds = admit(is_trial=is_free)
    with atomic():
        user = get_or_reactivate_user(email, password)
        if user is None:
            raise Conflict(_("This e-mail address has an account already. Sign in, or reset its password."))
        if is_free and not take_trial(email):
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
            account.trial_ends_on = today + timedelta(days=price.plan.trial_days)
        birth = create(account, by=user, plan=price.plan.code)
        Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
        ask_to_verify(user)
        if is_free:
            record_crowded_trial(account, crowds)
            trial = price.plan
            post([grant(account, trial.credits, key="grant:trial", description=trial.name, cause_id=birth.pk)])
            return SignUp(user, account)
        subscription, invoice = subscribe(account, price, method, by=user, cause=birth)
        return SignUp(user, account, subscription, invoice)


def check_sign_up(
    *, email: str, password: str | None, account_name: str, billing: Mapping[str, str], is_paid: bool
) -> None:
    """Raises one ValidationError with all errors."""
    checks: list[Callable[[], None]] = [
        partial(check_account_name, account_name, field="account_name"),
        partial(check_billing, billing, is_paid=is_paid),
    ]
    if password is not None:
        checks.append(partial(check_new_password, password, User(email=email)))
    check_all(*checks)


def _no_second_trial(currency: str) -> Conflict:
    paid = Plan.objects.filter(is_public=True, prices__currency=currency, prices__amount__gt=0)
    names = list(paid.order_by("position", "pk").values_list("code", "name").distinct())
    words = _("This e-mail address had a free trial less than a year ago. Choose a paid plan: %(plans)s.")
    return Conflict(words % {"plans": ", ".join(name for _code, name in names)}, plans=[code for code, _name in names])
