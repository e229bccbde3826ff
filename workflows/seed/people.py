from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group
from django.db.models import Q

from core.models import User
from core.validation.email import canonical_email
from workflows.actions import sign_up
from workflows.actions.duties import grant_rights_as_operator, set_group

PASSWORD = "demo-demo-demo"  # noqa: S105

BILLING = ("view_account", "view_invoice", "view_payment", "view_paymentmethod", "view_subscription")
MONEY = (
    "review_payment",
    "approve_payment",
    "reverse_payment",
    "void_invoice",
    "adjust_credits",
    "manage_accounts",
    "import_statements",
    "match_lines",
    "request_refund",
    "approve_refund",
    "write_credit_note",
    "issue_credit_note",
)
DUTIES = {
    "reviewer": (*BILLING, "review_payment", "request_refund", "write_credit_note"),
    "approver": (*BILLING, *MONEY),
    "operator": ("engine.view_effect", "engine.view_transition", "operate_effects", "erase_person"),
}
# Of who sets up the business under Settings; it decides on no money.
SETTINGS = (
    "change_seller",
    *("view_plan", "add_plan", "change_plan", "view_planprice", "add_planprice", "change_planprice"),
    *("view_paymentmethod", "add_paymentmethod", "change_paymentmethod"),
    *("view_policy", "change_policy"),
)
GROUPS = {**DUTIES, "settings": SETTINGS}
ADMINISTRATION = ("grant_duties",)  # for requests of rights, nothing about money
STAFF = {f"{duty}@demo.test": may for duty, may in DUTIES.items()}
SUPERUSER = "admin@demo.test"  # may do everything but decide on money

OWNER = "owner@demo.test"
ACCOUNT = "Demo Ltd"
PEOPLE = ("@demo.test", "@example.com")  # all users of a demo
ADDRESS = {
    "billing_email": OWNER,
    "address_line1": "1 Example Street",
    "address_line2": "",
    "city": "Exampletown",
    "state": "",
    "postal_code": "00000",
    "country": "US",
    "tax_id": "",
}


def demo_password() -> str:
    return settings.DEMO_PASSWORD or PASSWORD


def retire_public_password() -> int:
    """Once DEMO_PASSWORD is set. Returns how many users had the public one."""
    if demo_password() == PASSWORD:
        return 0
    made = User.objects.filter(reduce(or_, (Q(email_canonical__endswith=domain) for domain in PEOPLE)))
    is_public = {kept: check_password(PASSWORD, kept) for kept in set(made.values_list("password", flat=True))}
    public = [user for user in made if is_public[user.password]]
    for user in public:
        user.set_password(demo_password())
        user.save()  # which signs them out
    return len(public)


def seed_staff() -> int:
    """Existing users keep their passwords and permissions."""
    password = cache(partial(make_password, demo_password()))  # hashing is slow: once, and for a new user only
    return sum(_create_staff(email, password) for email in (*STAFF, SUPERUSER))


def seed_groups() -> int:
    """Existing groups keep their permissions."""
    added = 0
    for duty, may in GROUPS.items():
        if not Group.objects.filter(name=duty).exists():
            set_group(duty, _words(may))
            added += 1
    return added


def seed_customer() -> int:
    if User.objects.filter(email_canonical=canonical_email(OWNER)).exists():
        return 0
    sign_up(
        email=OWNER,
        password=demo_password(),
        account_name=ACCOUNT,
        plan="starter",
        currency="USD",
        billing=ADDRESS,
        payment_method="us_bank",
    )
    return 1


def _create_staff(email: str, password: Callable[[], str]) -> bool:
    facts: dict[str, Any] = {"email": email, "password": password}
    user, is_new = User.objects.get_or_create(email_canonical=canonical_email(email), defaults=facts)
    if is_new:
        rights = ["superuser", *_words(ADMINISTRATION)] if email == SUPERUSER else _words(STAFF[email])
        grant_rights_as_operator(user, ["staff", *rights])
    return is_new


def _words(codenames: Iterable[str]) -> list[str]:
    return [name if "." in name else f"core.{name}" for name in codenames]
