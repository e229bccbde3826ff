from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from core.models import Account, CreditEntry, Invoice, User
from engine import perform
from engine.models import Transition
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    OperatorFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from tests.web.conftest import signed_in
from workflows.actions import close_account, sign_up
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db

DUTY = {"desk_void": "void_invoice", "desk_write_off": "void_invoice", "desk_adjust": "adjust_credits",
        "desk_close_account": "manage_accounts"}  # fmt: skip


def staff_with(*duties):
    person = UserFactory(is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=duties))
    return person


@pytest.fixture
def invoice():
    invoice = InvoiceFactory(subscription__account__name="Acme Ltd")
    post([grant(invoice.account, 100, key="g", description="", cause_id=None)])
    return invoice


def address(name, invoice):
    return reverse(name, args=[invoice.pk if name in ("desk_void", "desk_write_off") else invoice.account_id])


def home(name, invoice):
    """The page that leads there."""
    if name in ("desk_void", "desk_write_off"):
        return reverse("desk_invoice", args=[invoice.pk])
    return reverse("desk_account", args=[invoice.account_id])


FORM = {
    "desk_void": {"reason": "issued twice"},
    "desk_write_off": {"reason": "gone"},
    "desk_adjust": {"amount": "-40", "reason": "used by mistake"},
    "desk_close_account": {"reason": "asked by letter", "account_name": "acme ltd"},
}


@pytest.mark.parametrize(("name", "outcome"), [("desk_void", "void"), ("desk_write_off", "uncollectible")])
def test_invoice_is_closed_with_a_reason_that_stays_in_its_history(invoice, name, outcome):
    staff = staff_with("void_invoice")
    client = signed_in(staff)
    assert address(name, invoice) in client.get(home(name, invoice)).content.decode()
    assert client.get(address(name, invoice)).status_code == 200

    answer = client.post(address(name, invoice), FORM[name], follow=True)

    invoice.refresh_from_db()
    assert invoice.status == outcome
    step = Transition.objects.filter(machine="invoice", object_id=invoice.pk).latest("seq")
    assert (step.actor, step.reason) == (staff, FORM[name]["reason"])
    assert answer.redirect_chain == [(home(name, invoice), 302)]
    assert str(invoice) in answer.content.decode()
    assert address(name, invoice) not in answer.content.decode()


def test_credits_are_taken_once_however_often_the_form_is_sent(invoice):
    staff = staff_with("adjust_credits")
    client = signed_in(staff)
    page = client.get(address("desk_adjust", invoice))
    form = FORM["desk_adjust"] | {"token": page.context["form"]["token"].value()}

    for _ in range(2):
        assert client.post(address("desk_adjust", invoice), form).status_code == 302

    entry = CreditEntry.objects.get(kind="adjust")
    assert (entry.amount, entry.balance_after) == (-40, 60)
    assert (entry.description, entry.actor) == ("used by mistake", staff)


def test_account_is_closed_by_its_name_and_for_a_reason(invoice, run_effects):
    client = signed_in(staff_with("manage_accounts"))

    answer = client.post(address("desk_close_account", invoice), FORM["desk_close_account"], follow=True)
    run_effects()

    invoice.refresh_from_db()
    assert (Account.objects.get(pk=invoice.account_id).status, invoice.status) == ("closed", "void")
    assert "Acme Ltd is closed." in answer.content.decode()
    assert address("desk_close_account", invoice) not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("desk_void", {"reason": ""}, "reason"),
        ("desk_void", {"reason": "x" * 501}, "reason"),
        ("desk_write_off", {"reason": "a\x00b"}, "reason"),
        ("desk_adjust", {"amount": "0"}, "amount"),
        ("desk_adjust", {"amount": "1.5"}, "amount"),
        ("desk_adjust", {"amount": "9" * 30}, "amount"),
        ("desk_adjust", {"amount": "1000001"}, "amount"),  # above the policy's adjustment_limit
        ("desk_adjust", {"amount": "-101"}, "__all__"),
        ("desk_adjust", {"reason": ""}, "reason"),
        ("desk_close_account", {"reason": ""}, "reason"),
        ("desk_close_account", {"account_name": "Other Ltd"}, "account_name"),
    ],
)
def test_bad_input_is_said_and_changes_nothing(invoice, name, change, field):
    client = signed_in(staff_with(DUTY[name]))

    answer = client.post(address(name, invoice), FORM[name] | change)

    assert answer.status_code < 500
    assert field in answer.context["form"].errors
    assert not Transition.objects.filter(name__in=["void", "write_off", "close"]).exists()
    assert not CreditEntry.objects.filter(kind="adjust").exists()


@pytest.mark.parametrize("name", DUTY)
def test_each_page_is_for_those_who_hold_its_duty(invoice, name, client):
    others = sorted({"review_payment", "approve_payment", "operate_effects", *DUTY.values()} - {DUTY[name]})
    people = [staff_with(*others), OperatorFactory(), MembershipFactory(account=invoice.account).user]

    for person in people:
        visitor = signed_in(person)
        assert visitor.get(address(name, invoice)).status_code == 403
        assert visitor.post(address(name, invoice), FORM[name]).status_code == 403
    assert client.post(address(name, invoice), FORM[name]).status_code == 302  # to sign in
    assert address(name, invoice) not in signed_in(people[0]).get(home(name, invoice)).content.decode()
    assert not Transition.objects.filter(name__in=["void", "write_off", "close"]).exists()
    assert not CreditEntry.objects.filter(kind="adjust").exists()


@pytest.mark.parametrize("name", DUTY)
def test_superuser_without_the_duty_is_refused_by_the_verb(invoice, name):
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))

    answer = root.post(address(name, invoice), FORM[name])

    assert answer.status_code == 403
    assert "__all__" in answer.context["form"].errors
    assert not CreditEntry.objects.filter(kind="adjust").exists()


@pytest.mark.parametrize("name", ["desk_void", "desk_write_off", "desk_close_account"])
def test_impossible_action_is_explained_instead_of_offered(invoice, name):
    perform(invoice.lapse)
    perform(invoice.account.close, by=staff_with("manage_accounts"))
    client = signed_in(staff_with(DUTY[name]))

    page = client.get(address(name, invoice))
    answer = client.post(address(name, invoice), FORM[name])

    assert "This cannot be done now." in page.content.decode()
    assert answer.status_code == 409
    assert Transition.objects.filter(name__in=["void", "write_off"]).count() == 0


def test_holders_of_one_duty_find_customers_and_see_their_own_buttons_only(invoice):
    client = signed_in(staff_with("adjust_credits"))

    assert client.get(reverse("own_home")).headers["Location"] == reverse("desk_search")
    found = client.get(reverse("desk_search"), {"q": "acme"}).content.decode()
    page = client.get(reverse("desk_account", args=[invoice.account_id])).content.decode()
    invoice_page = client.get(reverse("desk_invoice", args=[invoice.pk])).content.decode()

    assert "Acme Ltd" in found
    assert address("desk_adjust", invoice) in page
    assert address("desk_close_account", invoice) not in page
    assert reverse("desk_record", args=[invoice.pk]) not in invoice_page


def test_customer_who_came_back_is_found_with_both_accounts_by_the_address():
    def signs_up(name):
        return sign_up(
            email="ann@acme.test", password="a fairly long one", account_name=name, plan=PlanFactory().code,
            currency="USD",
            billing={"billing_email": "b@acme.test", "address_line1": "1 High St", "city": "X", "country": "US"},
        )  # fmt: skip

    first = signs_up("First")
    close_account(first.account, by=first.user)
    signs_up("Second")

    page = signed_in(StaffFactory()).get(reverse("desk_search"), {"q": "ANN@acme.test"}).content.decode()

    assert "First" in page
    assert "Second" in page


def test_admin_shows_who_closed_an_account_and_offers_no_way_round(invoice):
    manager = staff_with("manage_accounts")
    perform(invoice.account.close, by=manager, reason="asked by letter")
    root = signed_in(User.objects.create_superuser("root@example.test", "a fairly long one"))

    page = root.get(reverse("admin:core_account_change", args=[invoice.account_id])).content.decode()

    assert "asked by letter" in page
    assert manager.email in page
    assert reverse("desk_account", args=[invoice.account_id]) in page
    for row in (invoice, invoice.account):
        there = reverse(f"admin:core_{row._meta.model_name}_change", args=[row.pk])
        assert root.post(there, {"status": "active"}).status_code == 403
    assert Invoice.objects.get(pk=invoice.pk).status == "pending"
    assert Account.objects.get(pk=invoice.account_id).status == "closed"
