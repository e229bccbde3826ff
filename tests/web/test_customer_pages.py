from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import CreditEntry, Industry, Invoice, Membership, Payment
from engine import perform
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PlanFactory,
    StaffFactory,
)
from tests.web.conftest import signed_in
from workflows.actions.sites import open_site
from workflows.mail.brand import kept_brand
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db

LISTS = [
    "dashboard",
    "invoices",
    "payments",
    "documents",
    "credits",
    "balance",
    "plan",
    "members",
    "sites",
    "billing",
    "security",
]
MOST_QUERIES = 12
CLAIM = {"method": "us_bank", "amount": "89.00", "reference": "TRACE-1"}


@pytest.fixture
def rich(shop) -> Payment:
    """A payment in review, of an account that has one of everything, and many of most."""
    payment = PaymentFactory()
    account = payment.account
    owner = payment.submitted_by
    for number in range(30):
        PaymentFactory(
            invoice=payment.invoice,
            submitted_by=owner,
            reference=f"R{number}",
            reference_key=f"R{number}",
            method=payment.method,
        )
        post([grant(account, 10, key=f"test:{number}", description="test", cause_id=None)])
    for role in Membership.Role.values:
        MembershipFactory(account=account, role=role)
    open_site(account, name="Shop", industry=Industry.objects.first(), by=owner)
    return payment


def everything_of(payment: Payment) -> list[str]:
    site = payment.account.sites.get()
    return [
        *(reverse(name) for name in LISTS),
        *(reverse(name, args=[payment.invoice_id]) for name in ("invoice", "document", "claim")),
        reverse("payment", args=[payment.pk]),
        reverse("site", args=[site.pk]),
    ]


def test_a_page_of_a_rich_account_asks_few_questions(rich):
    client = signed_in(rich.submitted_by)
    kept_brand()  # of a process that has shown a page before

    for path in [*everything_of(rich), reverse("banner")]:
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)

        assert answer.status_code == 200, path
        assert len(queries) <= MOST_QUERIES, [path, *(query["sql"][:120] for query in queries)]


def test_rows_of_another_account_are_not_found(rich, visit):
    stranger = visit(AccountFactory())
    site = rich.account.sites.get()

    for path in [
        reverse("invoice", args=[rich.invoice_id]),
        reverse("document", args=[rich.invoice_id]),
        reverse("claim", args=[rich.invoice_id]),
        reverse("payment", args=[rich.pk]),
        reverse("site", args=[site.pk]),
    ]:
        assert stranger.get(path).status_code == 404, path
        missing = path.replace(str(rich.invoice_id), str(uuid4())).replace(str(rich.pk), str(uuid4()))
        assert stranger.get(missing.replace(str(site.pk), str(uuid4()))).status_code == 404
    member = rich.account.memberships.first()
    assert stranger.post(reverse("withdraw", args=[rich.pk])).status_code == 404
    assert stranger.post(reverse("member", args=[member.pk]), {"remove": "1"}).status_code == 404
    rich.refresh_from_db()
    assert rich.status == "pending_approval"


@pytest.mark.parametrize("name", LISTS)
def test_a_stranger_is_asked_to_sign_in(client, name):
    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


def test_staff_are_shown_to_their_own_desk(client):
    client.force_login(StaffFactory())

    assert client.get(reverse("dashboard")).status_code == 302


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_viewer_sees_no_buttons_and_changes_nothing(rich, visit, role):
    client = visit(rich.account, role=role)
    page = client.get(reverse("invoice", args=[rich.invoice_id])).content.decode()
    assert "I have paid" not in page
    claim = {"method": "us_bank", "amount": "89.00", "reference": "X-1"}
    before = Payment.objects.count()

    assert client.post(reverse("claim", args=[rich.invoice_id]), claim).status_code == 403
    client.post(reverse("withdraw", args=[rich.pk]))
    client.post(reverse("change_plan"), {"plan": "growth"})
    client.post(reverse("cancel_plan"), {"when": "now"})
    client.post(reverse("members"), {"email": "new@acme.test", "role": "admin"})
    client.post(reverse("member", args=[rich.account.memberships.first().pk]), {"remove": "1"})
    client.post(reverse("billing"), {"name": "Mine now", "country": "DE"})

    rich.refresh_from_db()
    rich.account.refresh_from_db()
    assert rich.status == "pending_approval"
    assert rich.account.name == "Demo Ltd"
    assert Payment.objects.count() == before
    assert rich.account.memberships.count() == 6
    assert not rich.account.subscriptions.exclude(plan__code="starter").exists()


def test_an_owner_changes_the_billing_details_and_the_language_of_the_mails(rich):
    account = rich.account
    before = {**account.billing_snapshot(), "name": account.name, "language": "en"}
    client = signed_in(rich.submitted_by)

    refused = client.post(reverse("billing"), before | {"language": "xx"})
    saved = client.post(reverse("billing"), before | {"city": "Shelbyville", "language": "ar"})

    account.refresh_from_db()
    assert refused.status_code == 200
    assert "is not one of the available choices" in refused.content.decode()
    assert saved.status_code == 302
    assert (account.city, account.language) == ("Shelbyville", "ar")
    assert '<option value="ar" selected>' in client.get(reverse("billing")).content.decode()


def test_a_viewer_opens_no_site(shop, visit):
    account = AccountFactory()
    client = visit(account, role="viewer")
    industry = Industry.objects.first()

    answer = client.post(reverse("sites"), {"name": "Mine", "industry": industry.pk})

    assert answer.status_code == 200
    assert not account.sites.exists()


def test_no_query_string_makes_a_page_a_500(rich):
    client = signed_in(rich.submitted_by)
    queries = ["before=nonsense", "before=", "method=%00", "method=nope", "interval=never&currency=%00", "seen=%00"]

    for path in [*everything_of(rich), reverse("banner"), reverse("sign_up"), reverse("sign_in")]:
        for query in queries:
            assert client.get(f"{path}?{query}").status_code in (200, 302, 400, 404), (path, query)


NONSENSE = ["", "\x00", "x" * 5000, "-1", "NaN", "١٢٣", "<script>alert(1)</script>", "9" * 40, "\u202e", "2026-99-99"]


def test_no_input_makes_a_form_a_500(rich):
    for value in NONSENSE:
        nothing_falls(rich, value)


def nothing_falls(rich: Payment, value: str) -> None:
    client = signed_in(rich.submitted_by)
    before = (Payment.objects.count(), Invoice.objects.count(), CreditEntry.objects.count())
    site = rich.account.sites.get()
    names = ["method", "amount", "reference", "paid_on", "payer_name", "notes", "proof_url", "token", "plan", "when",
             "interval", "currency", "email", "role", "name", "country", "tax_id", "postal_code", "industry", "member",
             "description", "start", "end", "attaches_documents"]  # fmt: skip
    data = dict.fromkeys(names, value)

    for path in [
        reverse("claim", args=[rich.invoice_id]),
        reverse("change_plan"),
        reverse("documents"),
        reverse("make_proforma"),
        reverse("members"),
        reverse("billing"),
        reverse("sites"),
        reverse("sign_up"),
        reverse("sign_in"),
        reverse("member", args=[rich.account.memberships.first().pk]),
    ]:
        assert client.post(path, data).status_code in (200, 302, 403, 404, 429), path
    for verb in ("use", "access", "change", value):
        assert client.post(reverse("site", args=[site.pk]), {**data, "do": verb}).status_code in (200, 302)
    assert Client().post(reverse("sign_up"), data).status_code in (200, 429)

    assert (Payment.objects.count(), Invoice.objects.count(), CreditEntry.objects.count()) == before


def test_customer_input_is_escaped(rich):
    evil = "<img src=x onerror=alert(1)>"
    account = rich.account
    account.name = evil
    account.save(update_fields=["name"])
    payment = PaymentFactory(
        invoice=rich.invoice,
        submitted_by=rich.submitted_by,
        reference=evil,
        reference_key="E",
        notes=evil,
        payer_name=evil,
    )
    perform(payment.reject, by=StaffFactory(), reason_code="other", admin_notes=evil)
    client = signed_in(rich.submitted_by)

    for path in [*everything_of(rich), reverse("payment", args=[payment.pk])]:
        assert b"<img src=x" not in client.get(path).content, path


def test_a_form_that_is_sent_twice_is_one_payment(shop, visit):
    invoice = InvoiceFactory()
    client = visit(invoice.account)
    page = client.get(reverse("claim", args=[invoice.pk]))
    token = page.context["form"].initial["token"]
    data = {"method": "cash_receipt", "amount": "89.00", "reference": "R-1", "paid_on": "2026-01-05", "token": token}

    first = client.post(reverse("claim", args=[invoice.pk]), data)
    second = client.post(reverse("claim", args=[invoice.pk]), data)

    assert first.status_code == second.status_code == 302
    assert Payment.objects.count() == 1


def test_the_same_reference_again_is_named_beside_its_field(shop, visit):
    invoice = InvoiceFactory()
    client = visit(invoice.account)
    data = {"method": "us_bank", "amount": "89.00", "reference": "T-1"}
    client.post(reverse("claim", args=[invoice.pk]), data)

    again = client.post(reverse("claim", args=[invoice.pk]), {**data, "reference": "t 1"})

    assert again.status_code == 200
    assert again.context["form"].errors["reference"]
    assert Payment.objects.count() == 1


def test_claim_form_asks_for_fields_that_the_method_requires(shop, visit):
    invoice = InvoiceFactory()
    client = visit(invoice.account)

    answer = client.post(reverse("claim", args=[invoice.pk]), {"method": "cash_receipt", "amount": "89.001"})

    assert {"amount", "reference", "paid_on"} <= set(answer.context["form"].errors)
    assert not Payment.objects.exists()


def test_an_amount_may_be_typed_in_arabic_digits(shop, visit):
    invoice = InvoiceFactory()
    client = visit(invoice.account)

    client.post(reverse("claim", args=[invoice.pk]), {**CLAIM, "amount": "١٬٠٨٩٫٥٠"})  # noqa: RUF001 - meant

    assert str(Payment.objects.get().amount) == "1089.5000"


def test_an_installation_may_have_no_plan_of_the_name_free():
    """Who has no subscription has the limits of its first plan."""
    PlanFactory(code="large", max_sites=9, max_users=9, position=2)
    PlanFactory(code="small", max_sites=3, max_users=4, position=1)
    client = signed_in(MembershipFactory(account=AccountFactory(status="trial")).user)

    assert client.get(reverse("sites")).context["limit"] == 3
    assert client.get(reverse("members")).context["limit"] == 4
