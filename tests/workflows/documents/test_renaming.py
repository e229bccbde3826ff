"""Whatever is renamed in Settings or by a customer afterwards, what was issued stays to the byte."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import UnionType
from typing import Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from django.urls import reverse

from core.models import Document, Invoice, PaymentMethod, Plan, PlanPrice, TaxRule, User
from engine import perform
from tests.api.caller import Caller
from tests.factories import PaymentMethodFactory, StaffFactory, TaxRuleFactory, staff_of_all_settings
from tests.web.conftest import signed_in
from tests.workflows.conftest import prove
from tests.workflows.documents.logos import PNG, SVG
from workflows.actions import change_account, claim_payment, sign_up
from workflows.actions.payment_methods import confirm_payee, save_method
from workflows.actions.plans import save_plan
from workflows.actions.seller import DETAILS, save_number_templates, save_seller
from workflows.documents.rendering.data import DocumentData
from workflows.mail.brand import forget_brand

pytestmark = pytest.mark.django_db

SELLER: dict[str, Any] = {
    "legal_name": "Acme Software Inc.",
    "brand_name": "Acme",
    "address_line1": "1 Sample Street",
    "address_line2": "Floor 2",
    "city": "Sampletown",
    "state": "NY",
    "postal_code": "10001",
    "country": "US",
    "tax_ids": [{"label": "EIN", "value": "00-0000000"}],
    "registration": "Register 42",
    "email": "billing@acme.test",
    "phone": "+1 555 0100",
    "website": "https://acme.test",
    "support_url": "https://acme.test/help",
    "bank_details": "Sample Bank\nIBAN DE89 3704 0044 0532 0130 00",
    "terms": "Payable without deduction.",
    "footer": "Acme Software Inc., New York",
    "sender_name": "Acme Billing",
    "reply_to": "answers@acme.test",
    "colour": "#1f4f46",
    "paper": "a4",
    "names_signer": False,
    "shows_mark": True,
}
OTHER_SELLER: dict[str, Any] = {
    "legal_name": "Zenith GmbH",
    "brand_name": "Zenith",
    "address_line1": "Torstraße 140",
    "address_line2": "Hof 3",
    "city": "Berlin",
    "state": "BE",
    "postal_code": "10119",
    "country": "DE",
    "tax_ids": [{"label": "VAT number", "value": "DE136695976"}, {"label": "Steuernummer", "value": "12/345"}],
    "registration": "HRB 999",
    "email": "rechnung@zenith.test",
    "phone": "+49 30 1",
    "website": "https://zenith.test",
    "support_url": "https://zenith.test/hilfe",
    "bank_details": "Other Bank\nIBAN DE02 1203 0000 0000 2020 51",
    "terms": "Due at once.",
    "footer": "Zenith GmbH, Berlin",
    "sender_name": "Zenith Buchhaltung",
    "reply_to": "antworten@zenith.test",
    "colour": "#7a1f1f",
    "paper": "letter",
    "names_signer": True,
    "shows_mark": False,
}
CUSTOMER: dict[str, Any] = {
    "billing_email": "bills@beta.test",
    "address_line1": "2 High Street",
    "address_line2": "Suite 7",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
    "tax_id": "12-3456789",
}
OTHER_CUSTOMER: dict[str, Any] = {
    "name": "Gamma Ltd",
    "billing_email": "accounts@gamma.test",
    "address_line1": "3 Low Street",
    "address_line2": "Rear",
    "city": "Shelbyville",
    "state": "ON",
    "postal_code": "K1A 0B1",
    "country": "CA",
    "tax_id": "123026635RT0001",
    "language": "ar",
}
PARTS = [{"label": "State tax", "share": 60}, {"label": "City tax", "share": 40}]
# Blank in these documents: signs are a demo's, and only statements have headings and strong rows.
LEFT_BLANK = {"sign", "sections.strong_rows"}
DRAWN = {"payment.code.svg": "payment.code.content", "seller.logo.content": "seller.logo.sha256"}  # by printing.py


@pytest.fixture
def setter() -> User:
    return staff_of_all_settings()


@pytest.fixture
def method() -> PaymentMethod:
    fields = {"payee_name": "Acme Software Inc.", "vpa": "acme@bank"}
    return PaymentMethodFactory(
        code="upi", name="UPI", kind="upi", country="", currency="INR", fields=fields, instructions={"en": "Pay now."}
    )


@pytest.fixture
def issued(clock, run_effects, setter, method, controller) -> dict[str, Invoice]:
    """One that is paid, with its receipt, and one that is void, with its cancellation."""
    save_seller(SELLER, by=setter, logo=PNG)
    TaxRuleFactory(category="S", rate=Decimal(10), label="Sales tax", parts=PARTS)
    plan = Plan.objects.create(code="pro", name="Professional", credits=10, is_public=True)
    PlanPrice.objects.create(plan=plan, currency="INR", interval="month", amount=Decimal(890))
    found = {}
    for name in ("paid", "void"):
        found[name] = invoice_of(f"Beta {name}", CUSTOMER, language="en", email=f"{name}@beta.test")
        run_effects()
    paid = found["paid"]
    paid.refresh_from_db()
    owner = User.objects.get(email="paid@beta.test")
    payment = claim_payment(
        invoice=paid, method=method, amount=paid.outstanding, currency="INR", reference="R1", by=owner
    )
    perform(payment.approve, by=StaffFactory())
    perform(found["void"].void, by=controller)
    run_effects()
    return {name: Invoice.objects.get(pk=invoice.pk) for name, invoice in found.items()}


def invoice_of(name: str, billing: dict[str, Any], *, language: str, email: str) -> Invoice:
    signed = sign_up(
        email=email, password="a fairly long one", account_name=name, plan="pro", currency="INR", billing=billing,
        language=language, time_zone="UTC", payment_method="upi",
    )  # fmt: skip
    prove(signed)
    return signed.invoice


@pytest.fixture
def change_all_that_is_printed(setter, method, clock, run_effects) -> Callable[[], None]:
    return lambda: _change_all(setter, method, clock, run_effects)


def _change_all(setter: User, method: PaymentMethod, clock: Any, run_effects: Any) -> None:
    assert OTHER_SELLER.keys() == SELLER.keys() == set(DETAILS), "a field of the seller that this test does not change"
    assert all(OTHER_SELLER[name] != SELLER[name] for name in SELLER)
    save_seller(OTHER_SELLER, by=setter, logo=SVG)
    save_number_templates({"invoice": "R-{number:04}", "credit_note": "S-{number}", "receipt": "Q-{number}"}, by=setter)
    for rule in TaxRule.objects.all():
        rule.rate, rule.label, rule.parts = Decimal(20), "VAT", []
        rule.save()
    TaxRuleFactory(seller_country="DE", category="G", reason="Export outside the EU")
    save_plan(Plan.objects.get(code="pro"), by=setter, name="Ultimate")
    method.name, method.instructions = "Instant transfer", {"en": "Send at once."}
    method.fields = {**method.fields, "payee_name": "Zenith GmbH", "vpa": "zenith@bank"}
    version = save_method(method, by=setter)
    assert version is not None
    confirm_payee(version, by=staff_of_all_settings())
    clock.advance(hours=5)
    run_effects()
    clock.advance(hours=1)
    for invoice in Invoice.objects.select_related("account"):
        owner = invoice.account.memberships.get(role="owner").user
        change_account(invoice.account, by=owner, **{**OTHER_CUSTOMER, "name": f"Gamma {invoice.status}"})
    forget_brand()


def told_of(invoice: Invoice) -> dict[str, Any]:
    """All that anybody is shown of an invoice after it was issued, in English."""
    owner = invoice.account.memberships.get(role="owner").user
    web = signed_in(owner)
    api = Caller(owner).get(f"billing/invoices/{invoice.pk}/", **{"Accept-Language": "en"}).json()
    shown = {
        name: main_of(web.get(reverse(name, args=[invoice.pk]), headers={"Accept-Language": "en"}))
        for name in ("invoice", "document")
    }
    return {
        **shown,
        **{part: api[part] for part in ("number", "billed_to", "lines", "seller", "net", "total", "currency")},
        "documents": [
            (paper.number, paper.data, paper.language, paper.sha256, bytes(paper.file.content))
            for paper in Document.objects.filter(account=invoice.account).order_by("pk")
        ],
    }


def main_of(answer: Any) -> str:
    assert answer.status_code == 200
    found = re.search(r"<main.*</main>", answer.content.decode(), re.DOTALL)
    assert found
    return re.sub(r'(csrfmiddlewaretoken|form_token)" value="[^"]*"', "", found[0])


@pytest.mark.parametrize("name", ["paid", "void"])
def test_renaming_changes_nothing_that_was_issued(issued, change_all_that_is_printed, run_effects, name):
    before = told_of(issued[name])

    change_all_that_is_printed()
    run_effects()

    after = told_of(issued[name])
    for part, was in before.items():
        assert after[part] == was, part
    for _, _, _, sha256, content in after["documents"]:
        assert hashlib.sha256(content).hexdigest() == sha256


def test_each_field_that_is_printed_is_in_what_these_tests_compare(issued):
    """A field that is added to DocumentData fails here until it is filled above."""
    found = {path for paper in Document.objects.all() for path in filled(paper.data)}

    known = {DRAWN.get(path, path) for path in paths_of(DocumentData)}
    assert known - found == LEFT_BLANK


def test_what_is_issued_later_has_each_of_the_changes(issued, change_all_that_is_printed, run_effects):
    """So that the test above compares with something that did change."""
    before = Document.objects.get(kind="invoice", account=issued["paid"].account).data

    change_all_that_is_printed()
    billing = {name: OTHER_CUSTOMER[name] for name in CUSTOMER}
    later = invoice_of("Gamma Ltd", billing, language="ar", email="later@gamma.test")
    run_effects()

    was, now = filled(before), filled(Document.objects.get(kind="invoice", account=later.account).data)
    assert {path for path in was if now.get(path) == was[path]} - {"made_on"} == {"kind"}


def paths_of(kind: Any, path: str = "") -> set[str]:
    """Of all leaves of a TypedDict, with points between their names; what is in a list has no number."""
    if is_typeddict(kind):
        hints = get_type_hints(kind)
        return {each for name, hint in hints.items() for each in paths_of(hint, f"{path}.{name}".lstrip("."))}
    if get_origin(kind) in (list, Union, UnionType, NotRequired):
        parts = [part for part in get_args(kind) if part is not type(None)]
        return {each for part in parts for each in paths_of(part, path)}
    return {path}


def filled(value: Any, path: str = "") -> dict[str, Any]:
    """What stands at each path, without what is blank."""
    found: dict[str, Any] = {}
    for where, leaf in leaves(value, path):
        if leaf not in ("", None):
            found.setdefault(where, []).append(leaf)
    return found


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    else:
        yield path, value
