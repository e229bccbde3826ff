"""Every field of every form, found among the classes, is sent odd texts: never a 500, and nothing changes by a refusal.

A few of each kind with `make test`, many with `make hostile`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

import web
from core.models import BankAccount, CrowdedTrial, Industry, Plan, Policy, StatementLine, User
from core.models.billing_details import MAX_LENGTHS
from core.models.user import STAFF_PERMISSIONS
from engine import perform, testing
from engine.models import Effect
from tests.factories import (
    COMPANY,
    PASSWORD,
    InvitationFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    SubscriptionFactory,
    UserFactory,
    scheduled_mail,
    staff_of_all_settings,
)
from tests.odd_texts import some_odd_texts
from tests.web.conftest import signed_in
from tests.web.odd_requests import Judge
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.actions.seller import save_seller
from workflows.bank import import_statement
from workflows.mail.invoice_links import address_of, new_link
from workflows.mail.signed_links import RESET, invitation_token_of
from workflows.service_users import hosted_page_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_log")]

UNBOUNDED = 2000
A_FEW, MANY = 2, 60  # for each field
KINDS = {"email": "email", "url": "link"}  # by the type of the input
BILLING = {
    "country": "US",
    "billing_email": "bills@example.com",
    "address_line1": "1 High Street",
    "city": "Springfield",
}


@pytest.fixture(autouse=True)
def no_limits(settings) -> None:
    settings.LIMITS = {name: {} for name in settings.LIMITS}
    settings.ACCOUNT_LIMITS = {}


@dataclass
class Shop:
    """One of everything that a form is about."""

    owner: Client
    staff: Client
    root: Client
    setter: Client
    anybody: Client = field(default_factory=Client)
    ids: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def shop(run_effects) -> Shop:
    for code, price in {"free": "0.00", "starter": "89.00"}.items():
        PlanFactory(code=code, name=code, price=price)
    PaymentMethodFactory(requires=[])
    subscription = SubscriptionFactory()
    invoice, other = (InvoiceFactory(subscription=subscription) for _ in range(2))
    owner = MembershipFactory(account=invoice.account).user
    owner.set_password(PASSWORD)
    owner.save()
    staff = UserFactory(is_staff=True)
    duties = [*STAFF_PERMISSIONS, "operate_effects", "grant_duties"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=duties))
    claim = PaymentFactory(invoice=invoice, submitted_by=owner)
    settled = PaymentFactory(invoice=other, submitted_by=owner, reference="B", reference_key="B")
    perform(settled.approve, by=staff, received=settled.amount + 40)
    run_effects()
    line, outgoing = _bank_lines(staff)
    run_effects()
    hosted_page_user()  # made with the first claim by link, refused or not
    effect = scheduled_mail()
    Effect.objects.filter(pk=effect.pk).update(state="dead", attempts=3, fence=3, last_error="ValueError: no")
    CrowdedTrial.objects.create(account=invoice.account, reason="domain", key="crowded.example")
    root = UserFactory(is_staff=True, is_superuser=True)
    Policy.current()
    save_seller(COMPANY, by=None)
    industry = Industry.objects.create(name="Bakery")
    ids = {
        "invoice": invoice.pk,
        "account": invoice.account_id,
        "line": line.pk,
        "outgoing": outgoing.pk,
        "claim": claim.pk,
        "settled": settled.pk,
        "effect": effect.pk,
        "industry": industry.pk,
        "owner": owner.pk,
        "root": root.pk,
        "plan": Plan.objects.get(code="starter").pk,
        "link": RESET.token_of(owner),
        "email": owner.email,
        "hosted": address_of(new_link(invoice, recipient="", by=None)).split("/")[-2],
        "invitation": invitation_token_of(InvitationFactory(account=invoice.account)),
    }
    return Shop(signed_in(owner), signed_in(staff), signed_in(root), signed_in(staff_of_all_settings()), ids=ids)


def _bank_lines(bookkeeper: User) -> list[StatementLine]:
    BankAccount.objects.create(name="Main", iban=IBAN, currency="USD")
    import_statement(camt(Row("1.00", "rent"), Row("-1.00", "back"), currency="USD"), name="a.xml", by=bookkeeper)
    testing.run_effects()
    return list(StatementLine.objects.order_by("row"))


@dataclass(frozen=True)
class Page:
    """Where a form is sent, by whom, and with what that it takes."""

    who: str
    path: Callable[[dict[str, Any]], str]
    data: dict[str, Any] = field(default_factory=dict)
    is_get: bool = False


def at(name: str, *nouns: Any) -> Callable[[dict[str, Any]], str]:
    return lambda ids: reverse(name, args=[ids.get(noun, noun) for noun in nouns])


# By the name of the class; None: it has no text.
PAGES: dict[str, Page | None] = {
    "SignUpForm": Page(
        "anybody",
        at("sign_up"),
        {
            "plan": "starter",
            "email": "new@example.com",
            "password": PASSWORD,
            "account_name": "New",
            "payment_method": "us_bank",
            "interval": "month",
            "currency": "USD",
            **BILLING,
        },
    ),
    "SignInForm": Page("anybody", at("sign_in"), {"username": "a@example.com", "password": PASSWORD}),
    "AskForResetForm": Page("anybody", at("ask_for_reset"), {"email": "a@example.com"}),
    "NewPasswordForm": Page("anybody", at("set_password", "link"), {"password": PASSWORD}),
    "FirstPasswordForm": Page("anybody", at("invitation", "invitation"), {"password": PASSWORD}),
    "AcceptForm": None,
    "ChangePasswordForm": Page(
        "owner", at("security"), {"old_password": PASSWORD, "new_password": "staple battery horse"}
    ),
    "BillingForm": Page("owner", at("billing"), {"name": "Name", "language": "en", "consume_by": "member", **BILLING}),
    "InviteForm": Page("owner", at("members"), {"email": "new@example.com", "role": "member"}),
    "RoleForm": None,
    "SiteForm": Page("owner", at("sites"), {"name": "Side Street", "industry": "industry"}),
    "AccessForm": None,
    "UseCreditsForm": None,  # no page has it
    "ClaimForm": Page("owner", at("claim", "invoice"), {"method": "us_bank", "amount": "1.00", "reference": "R"}),
    "LinkClaimForm": Page(
        "anybody", at("hosted_invoice", "hosted"), {"method": "us_bank", "amount": "1.00", "reference": "R"}
    ),
    "LinkForm": Page("owner", at("invoice_links", "invoice"), {"recipient": "payables@example.com"}),
    "QueueFilter": Page("staff", at("desk"), is_get=True),
    "SearchForm": Page("staff", at("desk_search"), is_get=True),
    "ApproveForm": Page("staff", at("desk_decide", "claim", "approve"), {"received": "1.00"}),
    "RejectForm": Page("staff", at("desk_decide", "claim", "reject"), {"reason_code": "not_received"}),
    "ReverseForm": Page("staff", at("desk_decide", "settled", "reverse"), {"reason_given": "bounced"}),
    "BulkApproveForm": Page("staff", at("desk_bulk"), {"verb": "approve", "id": "claim", "confirmed": "1"}),
    "RecordForm": Page(
        "staff", at("desk_record", "invoice"), {"method": "us_bank", "received": "1.00", "reference": "R"}
    ),
    "BulkRejectForm": Page("staff", at("desk_bulk"), {"verb": "reject", "id": "claim", "reason_code": "not_received"}),
    "ReasonForm": None,
    "EndRefundForm": None,
    "CancelCreditNoteForm": None,
    "CreditNoteForm": Page("staff", at("desk_credit_invoice", "invoice"), {"amount": "1.00", "reason": "R"}),
    "RefundForm": Page(
        "staff",
        at("desk_request_refund", "account"),
        {"currency": "USD", "amount": "1.00", "reason": "overpaid", "payee_name": "Ann"},
    ),
    "SentForm": None,
    "IgnoreForm": Page("staff", at("desk_bank_decide", "line", "ignore"), {"reason": "not ours"}),
    "ReturnForm": Page("staff", at("desk_bank_decide", "outgoing", "return"), {"payment": "settled"}),
    "StatementForm": Page("owner", at("documents"), {"start": "2026-01-01", "end": "2026-01-31", "currency": "USD"}),
    "ProformaForm": None,  # choices alone
    "DocumentFilter": Page("staff", at("desk_documents"), is_get=True),
    "TableForm": None,  # choices alone
    "UploadForm": Page("staff", at("desk_bank"), {"bank_account": ""}),
    "CloseAccountForm": None,
    "AdjustForm": None,
    "ClusterForm": Page("staff", at("cluster", "domain", "crowded.example"), {"verb": "close", "reason": "one person"}),
    "ConfirmForm": Page("staff", at("desk_confirm"), {"password": PASSWORD}),
    "PersonFilter": Page("staff", at("desk_duties"), is_get=True),
    "DutiesForm": Page(
        "staff",
        at("desk_person", "owner"),
        {"verb": "give", "give-duties": "core.review_payment", "give-reason": "Our new bookkeeper"},
    ),
    "StaffEmailForm": Page("staff", at("desk_person", "root"), {"verb": "address", "address-email": "new@example.com"}),
    "CompanyForm": Page(
        "setter",
        at("settings_company"),
        {"legal_name": "Acme Ltd", "address_line1": "1 High Street", "city": "Town", "country": "GB"},
    ),
    "BrandForm": Page("setter", at("settings_brand"), {"brand_name": "Acme", "colour": "#1f4f46", "paper": "a4"}),
    "NumbersForm": Page(
        "setter",
        at("settings_numbers"),
        {"invoice": "INV-{number:06}", "credit_note": "CN-{number:06}", "receipt": "RC-{number:06}"},
    ),
    "NewPlanForm": Page(
        "setter",
        at("settings_new_plan"),
        {"name": "Large", "code": "large", "credits": "5", "trial_days": "0", "position": "9"},
    ),
    "PlanForm": Page(
        "setter",
        at("settings_plan", "plan"),
        {"verb": "save", "name": "Large", "credits": "5", "trial_days": "0", "position": "9"},
    ),
    "PriceForm": Page(
        "setter", at("settings_plan", "plan"), {"verb": "price", "currency": "EUR", "interval": "month", "amount": "5"}
    ),
    "NewMethodForm": Page(
        "setter",
        at("settings_new_method"),
        {"name": "Ours", "code": "ours", "kind": "bank_transfer", "country": "DE", "currency": "EUR"},
    ),
    "NewPersonForm": Page("setter", at("settings_people"), {"email": "new@example.com", "name": "Ann"}),
    "RemindersForm": Page(
        "setter",
        at("settings_reminders"),
        {
            "renewal_lead_days": "7",
            "days_to_pay": "7",
            "reminder_steps": "-3, 0, 3",
            "grace_days": "7",
            "suspension_days": "30",
            "signup_expiry_days": "14",
            "trial_warning_days": "3",
            "claim_pause_days": "7",
        },
    ),
    "EffectFilter": Page("staff", at("effects"), is_get=True),
    "PauseForm": Page("staff", at("effect_pauses"), {"scope": "kind", "name": "mail.payment_approved", "reason": "no"}),
    "LetGoForm": None,
    "RateForm": Page("staff", at("effect_rate"), {"throttle": "mail", "rate": "14/s"}),
    "OperateForm": Page("staff", at("effect_verb", "effect", "skip"), {"reason": "no"}),
    "StaffLogin": Page("anybody", at("admin:login"), {"username": "a@example.com", "password": PASSWORD}),
    "OperatorForm": Page(
        "root", at("admin:engine_effect_changelist"), {"action": "skip", "_selected_action": "effect", "reason": "no"}
    ),
    "web.billing_admin.RejectForm": Page(
        "root",
        at("admin:core_payment_changelist"),
        {"action": "reject", "_selected_action": "claim", "reason_code": "other", "confirmed": "1"},
    ),
}
ABSTRACT = {"PageForm", "VersionForm", "BillingFields", "RateLimitedLogin"}


def form_classes() -> dict[str, type[forms.BaseForm]]:
    """Every form that we declare, those of models apart, which the admin shows: by name."""
    for module in pkgutil.walk_packages(web.__path__, "web."):
        if ".management" not in module.name:
            importlib.import_module(module.name)
    found, below = {}, [forms.BaseForm]
    while below:
        children = below.pop().__subclasses__()
        below += children
        for child in children:
            if child.__module__.startswith("web.") and not issubclass(child, forms.ModelForm):
                is_second = child.__module__ == "web.billing_admin"
                found[f"{child.__module__}.{child.__name__}" if is_second else child.__name__] = child
    return found


def measures(one: forms.Field) -> tuple[int, str]:
    """How long what is typed may be, and its kind."""
    return getattr(one, "max_length", None) or UNBOUNDED, KINDS.get(getattr(one.widget, "input_type", ""), "")


def test_every_form_says_where_it_is_sent():
    assert set(form_classes()) - ABSTRACT == set(PAGES)


SENT = [name for name, page in PAGES.items() if page]


@pytest.mark.parametrize("name", SENT)
def test_longest_text_of_characters_that_grow_is_taken_or_shown_again(name, shop, seed):
    send_odd_texts(name, shop, count=A_FEW)


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SENT)
def test_many_odd_texts_are_taken_or_shown_again(name, shop, seed):
    send_odd_texts(name, shop, count=MANY)


def send_odd_texts(name: str, shop: Shop, *, count: int) -> None:
    """In every field of a form, and beside them."""
    page = PAGES[name]
    assert page is not None
    data = {key: shop.ids.get(value, value) if isinstance(value, str) else value for key, value in page.data.items()}
    fields = {each: measures(one) for each, one in form_classes()[name].base_fields.items()}
    if prefix := {"DutiesForm": "give-", "StaffEmailForm": "address-"}.get(name):  # several forms on one page
        fields = {f"{prefix}{each}": measured for each, measured in fields.items()}
    fields |= {each: (MAX_LENGTHS[each], "") for each in MAX_LENGTHS if each in fields}
    fields |= {each: (UNBOUNDED, "") for each in data if each not in fields}
    judge = Judge()
    for field_name, measured in fields.items():
        own = str(data.get(field_name) or "Acme")
        for what, text in some_odd_texts(count, *measured, word=own, number=own if own[0].isdigit() else "10"):
            method = "get" if page.is_get else "post"
            judge.send(
                getattr(shop, page.who),
                method,
                page.path(shop.ids),
                data | {field_name: text},
                what=f"{field_name} {what}",
            )
    judge.check()
    assert judge.statuses - {404, 429}, judge.statuses
