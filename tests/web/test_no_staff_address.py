"""Customers read no names or addresses of staff: S21 of the security review."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from core.models import CreditEntry, Document, Invoice, Membership, Payment, PaymentMethod, Site, Subscription, User
from engine import perform
from tests.api import scenario
from tests.api.matrix import MATRIX
from tests.web.conftest import signed_in
from web.customer.urls import urlpatterns
from workflows.actions import claim_payment, void_invoice
from workflows.actions.credits import adjust, consume
from workflows.actions.invoice_links import make_link
from workflows.actions.payments import record_payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(run_effects, mailoutbox):
    """A customer with whom staff have done all that staff do, some of them let go since."""
    built = scenario.build()
    owner, approver, reviewer = (built.callers[name].user for name in ("owner", "approver", "reviewer"))
    account, invoice = owner.membership.account, Invoice.objects.get(pk=built.ids["invoice"])
    method = PaymentMethod.objects.get(code="us_bank")
    adjust(account, 50, reason="goodwill", by=approver)
    consume(account, 1, reference="report", by=owner)
    facts = {"invoice": invoice, "method": method, "amount": Decimal("1.00"), "currency": "USD"}
    recorded = record_payment(**facts, reference="SEEN", by=reviewer)
    perform(recorded.approve, by=approver, admin_notes="seen on the statement")
    refused = claim_payment(**facts, reference="REFUSED", by=owner)
    perform(refused.reject, by=approver, admin_notes="nothing arrived", reason_code="not_received")
    make_link(invoice, by=reviewer)
    run_effects()
    perform(Payment.objects.get(pk=built.ids["settled"]).reverse, by=approver, reason_given="recalled")
    run_effects()
    withdrawn = Payment.objects.get(pk=built.ids["claim"])
    perform(withdrawn.withdraw, by=owner)
    void_invoice(Invoice.objects.get(pk=invoice.pk), by=approver, reason="wrong", to_balance=True)
    run_effects()
    staff = set(User.objects.filter(is_staff=True).values_list("email", flat=True))
    reviewer.is_staff = False  # let go, with the row that says who recorded the payment
    reviewer.save()
    return built, staff


def pages(account):
    """The address of each page of a customer, of each row that it may be about."""
    rows = {
        "site": Site.objects.filter(account=account),
        "member": Membership.objects.filter(account=account),
        "document_file": Document.objects.made().filter(account=account),
        **dict.fromkeys(("invoice", "invoice_links", "claim", "document"), Invoice.objects.filter(account=account)),
        **dict.fromkeys(("payment", "withdraw"), Payment.objects.filter(account=account)),
    }
    for each in urlpatterns:
        if "<" not in str(each.pattern):
            yield reverse(each.name)
        else:
            yield from (reverse(each.name, args=[row.pk]) for row in rows[each.name])


def routes(account):
    """The same for what can be asked of the API."""
    rows = {
        "invoices": Invoice.objects.filter(account=account),
        "payments": Payment.objects.filter(account=account),
        "subscriptions": Subscription.objects.filter(account=account),
        "sites": Site.objects.filter(account=account),
        "documents": Document.objects.filter(account=account),
    }
    for operation, answers in MATRIX.items():
        verb, path = operation.split()
        if verb != "GET" or answers.split()[5] != "200":
            continue
        noun = path.partition("{")[0].strip("/").rpartition("/")[2]
        yield from (path.replace("{id}", str(row.pk)) for row in rows[noun]) if "{" in path else [path]


@pytest.mark.guards("S21", "core.models.credit.CreditEntry.actor")
@pytest.mark.guards("S21", "web.customer.timeline._step")
def test_no_page_and_no_route_of_a_customer_names_staff_after_staff_have_acted(busy):
    """S21: `credits/entries/` said who gave them; the timeline named who recorded a payment and was let go since."""
    built, staff = busy
    owner = built.callers["owner"]
    account = owner.user.membership.account
    browser = signed_in(owner.user)
    said = {path: owner.get(path).content.decode(errors="replace") for path in routes(account)}
    said |= {path: browser.get(path).content.decode(errors="replace") for path in pages(account)}

    assert len(said) > 40
    assert "goodwill" in said["credits/entries/"]
    assert "goodwill" in said[reverse("credits")]
    named = {(path, address) for path, text in said.items() for address in staff if address in text}
    assert not named


def test_no_mail_to_a_customer_names_staff(busy, mailoutbox):
    """S21: nor do mails."""
    _, staff = busy
    read = [mail for mail in mailoutbox if not set(mail.to) & staff]

    assert len(read) > 5
    assert not {address for mail in read for address in staff if address in mail.body + mail.subject}


def test_line_keeps_who_of_the_staff_wrote_it_for_staff(busy):
    built, _ = busy
    approver = built.callers["approver"].user

    entry = CreditEntry.objects.get(kind="adjust")

    assert (entry.actor, entry.description) == (approver, "goodwill")
    page = signed_in(approver).get(reverse("desk_account", args=[entry.account_id])).content.decode()
    assert approver.email in page
