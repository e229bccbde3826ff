from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import translation

from core.models import Account, Invoice
from engine import perform
from tests.factories import AccountFactory, InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory
from tests.web.conftest import signed_in
from web.customer.banner import PAYMENT_POLL_SECONDS, REVIEW_POLL_SECONDS, banner_of, standing_of
from workflows.periods import database_now

pytestmark = pytest.mark.django_db


def title(account: Account) -> str | None:
    banner = banner_of(standing_of(account))
    return banner and banner.title


def test_a_new_customer_is_asked_to_pay():
    invoice = InvoiceFactory()

    standing = standing_of(invoice.account)

    banner = banner_of(standing)
    assert banner is not None
    assert banner.title == "One step left: your payment"
    assert "89.00 USD" in banner.words
    assert banner.address == reverse("invoice", args=[invoice.pk])
    assert standing.next_look == PAYMENT_POLL_SECONDS


def test_a_claim_is_being_checked_until_it_is_settled(run_effects):
    payment = PaymentFactory()
    before = standing_of(payment.account)
    assert title(payment.account) == "We are checking your payment"
    assert before.next_look == REVIEW_POLL_SECONDS

    perform(payment.approve, by=StaffFactory())
    assert title(payment.account) == "We are checking your payment"
    run_effects()

    account = Account.objects.get()
    assert title(account) is None
    assert standing_of(account).next_look is None
    assert standing_of(account).signature != before.signature


def test_a_rejection_says_why_and_leads_back():
    payment = PaymentFactory()

    perform(payment.reject, by=StaffFactory(), reason_code="not_received")

    banner = banner_of(standing_of(payment.account))
    assert banner is not None
    assert banner.title == "Your payment was not accepted"
    assert "has not arrived" in banner.words
    assert banner.action == "Try again"


def test_a_short_payment_names_the_rest(run_effects):
    payment = PaymentFactory(amount="80.00")

    perform(payment.approve, by=StaffFactory())
    run_effects()

    banner = banner_of(standing_of(payment.account))
    assert banner is not None
    assert banner.title == "A part is missing"
    assert "9.00 USD" in banner.words


def test_grace_period_has_its_own_banner(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    account = Account.objects.get()
    InvoiceFactory(subscription=account.subscriptions.get(), purpose=Invoice.Purpose.RENEWAL)
    assert title(account) is None  # an active account is not nagged
    perform(account.fall_behind)
    assert title(account) == "Your payment is overdue"
    perform(account.suspend)
    assert title(account) == "Your account is suspended"


def test_the_end_of_a_trial_is_announced(run_effects):
    today = database_now().date()
    account = AccountFactory(status="trial", trial_ends_on=today.replace(year=today.year + 1))
    assert title(account) is None

    account.trial_ends_on = today
    assert title(account) == "Your trial ends soon"
    perform(account.expire)
    assert title(account) == "Your account has ended"


def test_every_banner_has_one_action_on_the_invoice_page_too(run_effects):
    def actions(user, invoice):
        there = reverse("invoice", args=[invoice.pk])
        pages = [signed_in(user).get(path).content.decode() for path in (reverse("members"), there)]
        found = [re.findall(r'class="button" href="([^"]+)">([^<]+)</a></section>', page) for page in pages]
        return [(words, address.replace(there, "invoice")) for [(address, words)] in found]

    new = InvoiceFactory()
    owner = MembershipFactory(account=new.account).user
    assert actions(owner, new) == [("Pay the invoice", "invoice"), ("Pay the invoice", "#pay")]
    claim = PaymentFactory()
    look = ("See the payment", reverse("payment", args=[claim.pk]))
    assert actions(claim.submitted_by, claim.invoice) == [look, look]
    perform(claim.reject, by=StaffFactory(), reason_code="not_received")
    assert actions(claim.submitted_by, claim.invoice) == [("Try again", "invoice"), ("Try again", "#pay")]
    paid = PaymentFactory()
    perform(paid.approve, by=StaffFactory())
    run_effects()
    account = Account.objects.get(pk=paid.account_id)
    renewal = InvoiceFactory(subscription=account.subscriptions.get(), purpose=Invoice.Purpose.RENEWAL)
    for verb in (account.fall_behind, account.suspend):
        perform(verb)
        assert actions(paid.submitted_by, renewal) == [("Pay now", "invoice"), ("Pay now", "#pay")]


def test_a_closed_account_is_told_so():
    account = AccountFactory()

    perform(account.close, by=MembershipFactory(account=account).user)

    assert title(account) == "This account is closed"


def test_the_banner_speaks_the_reader_s_language():
    with translation.override("ar"):
        assert title(InvoiceFactory().account) == "بقيت خطوة واحدة: الدفع"


def test_a_page_that_asks_hears_nothing_until_something_has_changed():
    payment = PaymentFactory()
    client = signed_in(payment.submitted_by)
    seen = standing_of(payment.account).signature
    assert client.get(reverse("banner"), {"seen": seen}).status_code == 204

    perform(payment.reject, by=StaffFactory(), reason_code="other")

    answer = client.get(reverse("banner"), {"seen": seen})
    assert answer.status_code == 200
    assert answer["HX-Trigger"] == "account-changed"
    assert "Your payment was not accepted" in answer.content.decode()
