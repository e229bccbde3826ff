# ruff: noqa: RUF001 - digits and letters of other scripts are meant

from __future__ import annotations

import unicodedata
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIRequestFactory

from api.payments import preferred_wait
from core.models import Account, CreditEntry, Industry, Payment, Site
from core.problems import ValidationError
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    PASSWORD,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from workflows.actions import record_payment

pytestmark = pytest.mark.django_db

CONFIRM = "billing/admin/payments/confirm/"
FAR_DAYS = ["2999-01-01", "0001-01-01", "9999-12-31"]
UNSEEN = ["\u200b", "\u3164", "\u2800", "\u00ad", "\u200f", "\ufeff", "\u0301\u0301\u0301"]


@pytest.fixture
def invoice():
    PaymentMethodFactory()
    return InvoiceFactory()


@pytest.fixture
def owner(invoice):
    return Caller(MembershipFactory(account=invoice.account).user)


def claim(invoice, **fields):
    return {
        "invoice_id": str(invoice.pk),
        "payment_method": "us_bank",
        "amount": "89.00",
        "manual_reference": "TX-9900",
        **fields,
    }


def test_one_reference_in_digits_of_four_scripts_is_one_claim(owner, invoice):
    answers = [owner.post(CONFIRM, claim(invoice, manual_reference=text)) for text in
               ("TX-9900", "TX ٩٩٠٠", "tx–۹۹۰۰", "ＴＸ９９００")]  # fmt: skip

    assert [answer.status_code for answer in answers] == [201, 409, 409, 409]
    assert {answer.json()["payment_id"] for answer in answers[1:]} == {answers[0].json()["id"]}


def test_reference_comes_back_as_it_was_typed(owner, invoice):
    answer = owner.post(CONFIRM, claim(invoice, manual_reference="TX ٩٩٠٠"))

    assert answer.json()["manual_reference"] == "TX ٩٩٠٠"


def test_staff_find_a_reference_whatever_digits_they_or_the_customer_type(owner, invoice):
    owner.post(CONFIRM, claim(invoice, manual_reference="TX ٩٩٠٠"))
    staff = Caller(StaffFactory())

    found = [staff.get(f"billing/admin/payments/?search={text}").json()["results"] for text in ("tx9900", "۹۹۰۰")]

    assert [len(rows) for rows in found] == [1, 1]


@pytest.mark.parametrize("day", FAR_DAYS)
def test_day_on_which_no_money_moved_is_refused_by_claims_receipts_and_approvals(owner, invoice, digest, day):
    payment, staff = PaymentFactory(), Caller(StaffFactory())
    before = digest()

    claimed = owner.post(CONFIRM, claim(invoice, paid_on=day))
    recorded = staff.post("billing/admin/payments/record/", claim(invoice, paid_on=day))
    approved = staff.post(f"billing/admin/payments/{payment.pk}/approve/", {"value_date": day})

    assert [list(answer.json()["errors"]) for answer in (claimed, recorded, approved)] == [
        ["paid_on"],
        ["paid_on"],
        ["value_date"],
    ]
    assert all(is_problem(answer, 400, "validation-error") for answer in (claimed, recorded, approved))
    assert digest() == before
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PENDING_APPROVAL


def test_tomorrow_is_a_day_on_which_money_may_have_moved(owner, invoice):
    tomorrow = timezone.now().date() + timedelta(days=1)

    assert owner.post(CONFIRM, claim(invoice, paid_on=f"{tomorrow}")).status_code == 201


def test_verb_refuses_a_reference_that_does_not_fit_its_column(invoice):
    with pytest.raises(ValidationError) as refused:
        record_payment(
            invoice=invoice,
            method=PaymentMethodFactory(),
            amount=Decimal("1.00"),
            currency="USD",
            reference="x" * 141,
            by=StaffFactory(),
        )

    assert list(refused.value.members["errors"]) == ["reference"]


@pytest.mark.parametrize("field", ["manual_reference", "manual_notes", "payer_name"])
@pytest.mark.parametrize("end", ["\u2028", "\u2029"])
def test_text_with_a_line_separator_is_refused(owner, invoice, digest, field, end):
    before = digest()

    answer = owner.post(CONFIRM, claim(invoice, **{field: f"a{end}b"}))

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == [field]
    assert digest() == before


@pytest.mark.parametrize(("column", "text"), [("reference", "a\nb"), ("reference", "a\u2028b"), ("notes", "a\u2028b")])
def test_verb_refuses_an_invalid_text(invoice, column, text):
    with pytest.raises(ValidationError) as refused:
        record_payment(
            invoice=invoice,
            method=PaymentMethodFactory(),
            amount=Decimal("1.00"),
            currency="USD",
            by=StaffFactory(),
            **({"reference": "R"} | {column: text}),
        )

    assert list(refused.value.members["errors"]) == [column]


def test_longest_reason_of_adjusted_credits_is_kept_and_names_nobody(invoice):
    staff = UserFactory(is_staff=True, email=f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example.test")
    staff.user_permissions.set(Permission.objects.filter(codename="adjust_credits"))
    body = {"account_id": str(invoice.account_id), "amount": 5, "reason": "r" * 200}

    answer = Caller(staff).post("billing/admin/credits/adjust/", body)

    assert answer.status_code == 201, answer.json()
    entry = CreditEntry.objects.get(kind="adjust")
    assert (entry.description, entry.actor) == ("r" * 200, staff)


def register(**fields):
    return {"email": "new@example.test", "password": PASSWORD, "account_name": "New", **fields}


@pytest.mark.parametrize("name", UNSEEN)
def test_account_whose_name_cannot_be_seen_is_refused(anybody, digest, name):
    PlanFactory(code="free", price="0.00")
    before = digest()

    answer = anybody.post("auth/register/", register(account_name=name))

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["account_name"]
    assert digest() == before


def test_length_is_counted_after_composition(anybody):
    PlanFactory(code="free", price="0.00")

    decomposed = anybody.post("auth/register/", register(account_name="e\u0301" * 150))
    longer = anybody.post("auth/register/", register(email="b@example.test", account_name="\u0958" * 76))

    assert decomposed.status_code == 201, decomposed.json()
    assert Account.objects.get().name == "\u00e9" * 150
    assert is_problem(longer, 400, "validation-error")


def test_email_address_whose_host_is_too_long_in_idna_is_refused(anybody):
    PlanFactory(code="free", price="0.00")

    answer = anybody.post("auth/register/", register(email=f"a@{'ü.' * 100}com"))

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["email"]


PASSWORDS = {form: unicodedata.normalize(form, "schöne Gänse über dem Fluß") for form in ("NFC", "NFD")}


@pytest.mark.parametrize("kept", PASSWORDS)
@pytest.mark.parametrize("typed", PASSWORDS)
def test_password_fits_whether_its_accents_are_typed_apart_or_together(anybody, kept, typed):
    PlanFactory(code="free", price="0.00")
    anybody.post("auth/register/", register(password=PASSWORDS[kept]))

    answer = anybody.post("auth/login/", {"email": "new@example.test", "password": PASSWORDS[typed]})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=8", 8),
        ('wait="8"', 8),
        ("wait = 8", 8),
        ("Wait=8", 8),
        ("respond-async, wait=8", 8),
        ("respond-async; WAIT\t=\t8", 8),
        ("wait=8;x=y", 8),
        ("wait=99999", 30),
        ("wait=", 0),
        ("wait", 0),
        ("wait=-1", 0),
        ('wait="8', 0),
        ("wait=8.5", 0),
        ("wait=٨", 0),
        ("await=8", 0),
    ],
)
def test_preferred_wait_is_read_as_rfc_7240_writes_it(header, seconds):
    request = APIRequestFactory().get("/", headers={"Prefer": header})

    assert preferred_wait(request) == seconds


def test_idempotency_key_in_quotes_is_the_key_without(owner, invoice):
    plain = {"Idempotency-Key": "order-17"}
    quoted = {"Idempotency-Key": '"order-17"'}

    first = owner.post(CONFIRM, claim(invoice), **quoted)
    again = owner.post(CONFIRM, claim(invoice), **plain)
    twice = owner.post(CONFIRM, claim(invoice), **quoted)

    assert first.status_code == again.status_code == twice.status_code == 201
    assert first.json() == again.json() == twice.json()
    assert again["Idempotent-Replayed"] == "true"


def test_proof_link_in_letters_of_any_script_is_kept_in_ascii(owner, invoice):
    answer = owner.post(CONFIRM, claim(invoice, proof_url="https://example.com/إيصال.png"))

    assert answer.status_code == 201, answer.json()
    assert answer.json()["proof_url"] == "https://example.com/%D8%A5%D9%8A%D8%B5%D8%A7%D9%84.png"


def test_proof_link_that_is_too_long_once_encoded_is_refused(owner, invoice):
    answer = owner.post(CONFIRM, claim(invoice, proof_url=f"https://example.com/{'é' * 500}"))

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["proof_url"]


def test_claim_in_a_withdrawn_currency_is_refused_and_an_old_one_can_be_read(owner, invoice):
    old = PaymentFactory(invoice=invoice, currency="BGN", amount=Decimal("12.30"), reference_key="OLD")

    refused = owner.post(CONFIRM, claim(invoice, currency="BGN"))
    read = owner.get(f"billing/payments/{old.pk}/")

    assert is_problem(refused, 400, "validation-error")
    assert (read.json()["amount"], read.json()["currency"]) == ("12.30", "BGN")


@pytest.mark.guards("S25", "core.validation.text.check_name")
@pytest.mark.parametrize("path", ["account/", "auth/me/", "sites/{site}/"])
def test_name_that_looks_like_another_is_refused(owner, invoice, path):
    """S25: a zero width space in the name of an account, a person and a site."""
    industry = Industry.objects.create(name="Bakery")
    site = Site.objects.create(account=invoice.account, name="Shop", industry=industry)

    def renamed(name):
        return owner.client.patch(f"/api/v1/{path.format(site=site.pk)}", {"name": name}, format="json")

    assert is_problem(renamed("Ac\u200bme"), 400, "validation-error")
    assert renamed("Acme").status_code == 200
