from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.models import PayeeVersion, PaymentMethod
from tests.api.caller import Caller
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.web.conftest import signed_in
from tests.web.test_payment_methods import errors, page_of, typed
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db

OURS = {"beneficiary": "Acme", "account_number": "12345678"}
NEW = "99999999"


def holder(email):
    user = StaffFactory(email=email)
    names = ["view_paymentmethod", "change_paymentmethod", "view_payeeversion"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return signed_in(user)


@pytest.fixture
def ann():
    return holder("ann@staff.test")


@pytest.fixture
def bob():
    return holder("bob@staff.test")


@pytest.fixture
def method():
    return PaymentMethodFactory(fields=OURS, instructions={"en": "Send {amount}."})


@pytest.fixture
def invoice(method):
    return InvoiceFactory(payment_method=method)


def change(client: Client, method: PaymentMethod, **values: str):
    return client.post(page_of(method), typed(client, method) | ({"payee_account_number": NEW} | values))


def decide(client: Client, method: PaymentMethod, verb: str, **values: object):
    path = reverse("admin:decide_payee", args=[method.pk, verb])
    return client.post(path, {"number": "2"} | values, follow=True)


def public_accounts(country: str = "US") -> list[str]:
    rows = Caller().get(f"billing/admin/payment-methods/?country={country}").json()["results"]
    return [row["fields"]["account_number"] for row in rows]


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.guards("S10", "workflows.actions.payment_methods.save_method")
def test_saved_payee_waits_and_customers_see_the_old_one_everywhere(ann, bob, method, invoice, clock, run_effects):
    owner = MembershipFactory(account=invoice.account).user

    answer = change(ann, method, name="Our bank")

    assert answer.status_code == 302, errors(answer)
    method.refresh_from_db()
    assert (method.name, method.fields) == ("Our bank", OURS)
    shown = Caller(owner).get(f"billing/invoices/{invoice.pk}/").json()["payment_instructions"]
    assert NEW not in str(shown)
    page = signed_in(owner).get(f"/app/invoices/{invoice.pk}/").content.decode()
    assert "12345678" in page
    assert NEW not in page
    assert public_accounts() == ["12345678"]
    assert "a change waits" in ann.get(reverse("admin:core_paymentmethod_changelist")).content.decode()

    assert "Confirmed the change" in said(decide(bob, method, "confirm"))
    clock.advance(hours=5)
    run_effects()

    assert public_accounts() == [NEW]
    page = signed_in(owner).get(f"/app/invoices/{invoice.pk}/").content.decode()
    assert "12345678" in page
    assert NEW not in page
    assert "a change waits" not in ann.get(reverse("admin:core_paymentmethod_changelist")).content.decode()


def test_page_shows_old_and_new_with_the_verbs_of_each(ann, bob, method, invoice):
    change(ann, method)

    own, others = (client.get(page_of(method)).content.decode() for client in (ann, bob))

    for page in (own, others):
        assert "A change of payee waits" in page
        assert f"<td>12345678</td><td>{NEW}</td>" in page
        assert "Withdraw the change" in page
    assert "Confirm the new payee" not in own
    assert "Confirm the new payee" in others


def test_requester_cannot_confirm_and_may_withdraw(ann, method, invoice):
    change(ann, method)

    assert "Somebody else confirms" in said(decide(ann, method, "confirm"))
    assert "Withdrew the change" in said(decide(ann, method, "withdraw"))
    assert PayeeVersion.objects.get(number=2).withdrawn_by.email == "ann@staff.test"
    assert "This change is withdrawn" in said(decide(ann, method, "withdraw"))


def test_viewer_of_payee_changes_cannot_decide(ann, method, invoice):
    change(ann, method)
    viewer = StaffFactory(email="eve@staff.test")
    viewer.user_permissions.add(Permission.objects.get(codename="view_paymentmethod"))
    eve = signed_in(viewer)

    page = eve.get(page_of(method)).content.decode()
    assert "A change of payee waits" in page
    assert "Withdraw the change" not in page
    assert "You may not change payment methods" in said(decide(eve, method, "confirm"))
    assert PayeeVersion.objects.waiting().filter(confirmed_by=None).count() == 1


@pytest.mark.parametrize("number", ["", "x", "-1", "3", "9" * 40, "\u0662" * 12])
def test_number_of_no_change_is_not_found(ann, method, invoice, number):
    assert decide(ann, method, "confirm", number=number).status_code == 404
    assert ann.post(f"/admin/core/paymentmethod/{number or 'x'}/payee/confirm/").status_code == 404
    assert decide(ann, method, "keep").status_code == 404


def test_second_change_is_refused_in_the_form(ann, bob, method, invoice):
    change(ann, method)

    answer = change(bob, method, payee_account_number="55555555")

    assert "waits already" in str(errors(answer))
    assert change(bob, method, payee_account_number="12345678", name="Other").status_code == 302


def test_demo_stays_one_until_the_payee_of_our_own_is_in_force(ann):
    seed_payment_methods()
    method = PaymentMethod.objects.get(code="gb_fps")
    InvoiceFactory(payment_method=method)
    ours = {
        "payee_name": "Paper Boats Ltd",
        "payee_sort_code": "20-30-40",
        "payee_account_number": "12345678",
        "payee_iban": "",
        "instructions": '{"en": "Pay {amount}."}',
    }
    form = typed(ann, method) | ours
    without_mark = {name: value for name, value in form.items() if name != "is_demo"}

    assert "is_demo" in errors(ann.post(page_of(method), without_mark))
    assert ann.post(page_of(method), form).status_code == 302
    method.refresh_from_db()
    assert method.is_demo
    assert PayeeVersion.objects.waiting().get().fields["name"] == "Paper Boats Ltd"


def test_versions_are_listed_with_what_changed(ann, method, invoice):
    change(ann, method)
    version = PayeeVersion.objects.waiting().get()

    listed = ann.get(reverse("admin:core_payeeversion_changelist") + "?q=us_bank").content.decode()
    page = ann.get(reverse("admin:core_payeeversion_change", args=[version.pk])).content.decode()

    assert "ann@staff.test" in listed
    assert "12345678" in page
    assert NEW in page


def test_desk_says_of_a_claim_that_the_payee_changed(ann, bob, method, invoice, clock, run_effects):
    claim = PaymentFactory(invoice=invoice, method=method)
    rita = StaffFactory(email="rita@staff.test")
    assert "payee changed" not in signed_in(rita).get(f"/desk/{claim.pk}/").content.decode().lower()
    change(ann, method)
    decide(bob, method, "confirm")
    clock.advance(hours=5)
    run_effects()

    page = signed_in(rita).get(f"/desk/{claim.pk}/").content.decode()

    assert "<li>Payee changed on" in page
    assert "this invoice shows the one of before" in page


@pytest.mark.guards("S17", "web.payee_changes.PayeeChanges.decide")
def test_change_is_confirmed_by_who_typed_the_password_lately(ann, bob, method, invoice, clock):
    """S17: an unattended browser sends no money elsewhere."""
    change(ann, method)
    clock.advance(hours=0.26)
    url = f"/admin/core/paymentmethod/{method.pk}/payee/confirm/"

    answer = bob.post(url, {"number": "2"})

    assert answer["Location"].startswith("/desk/confirm/?next=")
    assert PayeeVersion.objects.get(method=method, number=2).confirmed_by is None
    assert bob.get(url)["Location"] == f"/admin/core/paymentmethod/{method.pk}/change/"
