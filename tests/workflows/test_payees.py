"""A change of payee waits for a second person, and for hours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import PayeeVersion, PaymentMethod, Policy
from core.problems import Conflict, PermissionDenied, WrongState
from engine.models import Effect
from tests.factories import InvoiceFactory, PaymentFactory, PaymentMethodFactory, UserFactory
from workflows.actions.payment_methods import confirm_payee, save_method, withdraw_payee
from workflows.mail.payment_instructions import ways_to_pay
from workflows.payees.changes import version_of
from workflows.payees.examples import METHODS
from workflows.reporting.invariants import findings
from workflows.reporting.review_queue import queue
from workflows.security.payee_effects import payee_change_recipients
from workflows.seed import seed_catalogue

pytestmark = pytest.mark.django_db

OURS = {"beneficiary": "Acme", "account_number": "12345678"}
THEIRS = {"beneficiary": "Acme", "account_number": "99999999"}
SEND = {"en": "Send {amount}."}


def holder(**fields):
    user = UserFactory(is_staff=True, **fields)
    user.user_permissions.add(Permission.objects.get(codename="change_paymentmethod"))
    return user


@pytest.fixture
def ann():
    return holder(email="ann@staff.test")


@pytest.fixture
def bob():
    return holder(email="bob@staff.test")


@pytest.fixture
def method():
    return PaymentMethodFactory(fields=OURS, instructions=SEND)


@pytest.fixture
def invoice(method):
    return InvoiceFactory(payment_method=method)


def ask(method, by, **change):
    row = PaymentMethod.objects.get(pk=method.pk)
    for name, value in ({"fields": THEIRS} | change).items():
        setattr(row, name, value)
    return save_method(row, by=by)


def seen(invoice):
    """The account that a customer of the invoice is told to pay to."""
    invoice = type(invoice).objects.select_related("account", "payment_method").get(pk=invoice.pk)
    return [way.fields["account_number"] for way in ways_to_pay(invoice)]


def in_force(method):
    return PaymentMethod.objects.get(pk=method.pk).fields["account_number"]


def changed_mails(mailoutbox):
    return [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "payee_changed"]


@pytest.fixture(autouse=True)
def the_books_are_in_order(db):
    yield
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


@pytest.mark.guards("S10", "core.models.payee_guards.PayeeKept")
def test_one_person_alone_changes_nothing_that_a_customer_sees(ann, bob, invoice, method, clock, run_effects):
    version = ask(method, ann)
    run_effects()
    clock.advance(hours=25)  # somebody else could confirm it, and has not
    run_effects()
    clock.advance(days=10)
    run_effects()

    assert version.is_waiting
    assert (seen(invoice), in_force(method)) == (["12345678"], "12345678")
    assert seen(InvoiceFactory(payment_method=method)) == ["12345678"]
    with pytest.raises(PermissionDenied, match="Somebody else confirms"):
        confirm_payee(version, by=ann)
    with pytest.raises(IntegrityError, match="invoices show this payee"), atomic():
        PaymentMethod.objects.update(fields=THEIRS)


@pytest.mark.guards("S10", "workflows.security.payee_effects.apply_payee_version")
def test_change_comes_into_force_once_when_it_was_confirmed_and_has_waited(
    ann, bob, invoice, method, clock, run_effects
):
    version = ask(method, ann)
    clock.advance(hours=1)
    confirm_payee(version, by=bob)
    run_effects()
    assert in_force(method) == "12345678"

    clock.advance(hours=3, days=0.001)
    run_effects()
    run_effects()

    version.refresh_from_db()
    assert in_force(method) == "99999999"
    assert (version.confirmed_by, version.in_force_at > version.asked_at + timedelta(hours=4)) == (bob, True)
    assert Effect.objects.filter(kind="mail.payee_changed", state="done").count() == 2
    clock.advance(days=2)
    run_effects()
    assert PayeeVersion.objects.filter(method=method).count() == 2


@pytest.mark.guards("S10", "workflows.payees.changes.as_issued")
def test_invoice_keeps_the_payee_that_it_was_issued_with(ann, bob, invoice, method, clock, run_effects):
    confirm_payee(ask(method, ann), by=bob)
    clock.advance(hours=5)
    run_effects()
    clock.advance(hours=2)
    later = InvoiceFactory(payment_method=method)
    claim = PaymentFactory(invoice=invoice, method=method)

    assert (seen(invoice), seen(later)) == (["12345678"], ["99999999"])
    method.refresh_from_db()
    assert (version_of(claim.invoice, method).number, version_of(later, method).number) == (1, 2)


def test_invoice_shows_the_first_payee_of_a_method_that_came_later(ann, bob, method, clock, run_effects):
    invoice = InvoiceFactory()
    clock.advance(days=1)
    other = PaymentMethodFactory(code="later", fields=OURS, instructions=SEND)
    confirm_payee(ask(other, ann), by=bob)
    clock.advance(hours=5)
    run_effects()

    assert in_force(other) == "99999999"
    assert seen(invoice) == ["12345678", "12345678"]


def test_sole_holder_waits_a_day_instead_of_a_confirmation(ann, invoice, method, clock, run_effects):
    ask(method, ann)
    clock.advance(hours=23)
    run_effects()
    assert in_force(method) == "12345678"

    clock.advance(hours=2)
    run_effects()

    assert in_force(method) == "99999999"


def test_sole_holder_waits_another_day_at_most(ann, bob, invoice, method, clock, run_effects):
    ask(method, ann)
    clock.advance(hours=25)
    run_effects()
    bob.user_permissions.clear()
    assert in_force(method) == "12345678"

    clock.advance(days=1)
    run_effects()

    assert in_force(method) == "99999999"


@pytest.mark.guards("S10", "payee_version_confirmed_by_another")
def test_same_person_does_not_confirm_past_the_verb(ann, bob, invoice, method):
    version = ask(method, ann)

    with pytest.raises(IntegrityError, match="payee_version_confirmed_by_another"), atomic():
        PayeeVersion.objects.filter(pk=version.pk).update(confirmed_by=ann)
    with pytest.raises(PermissionDenied):
        confirm_payee(version, by=UserFactory(is_staff=True))
    assert PayeeVersion.objects.get(pk=version.pk).confirmed_by is None


@pytest.mark.guards("S10", "core.models.payee_guards.PayeeVersionKept")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": THEIRS | {"account_number": "11111111"}}, "append-only"),
        ({"asked_by": None}, "append-only"),
        ({"wait_hours": 1}, "append-only"),
        ({"number": 9}, "append-only"),
        ({"at_once": True}, "append-only"),
        ({"in_force_at": "2020-01-01T00:00Z"}, "has not waited"),
    ],
    ids=str,
)
def test_database_keeps_what_was_asked_for_until_it_has_waited(ann, bob, invoice, method, change, message):
    version = ask(method, ann)

    with pytest.raises(IntegrityError, match=message), atomic():
        PayeeVersion.objects.filter(pk=version.pk).update(**change)


@pytest.mark.guards("S10", "core.models.payee_guards.PayeeVersionKept")
def test_database_takes_no_version_in_force_of_a_method_that_invoices_show(invoice, method):
    row = PayeeVersion.from_method(method, number=2, at_once=True, in_force_at="2020-01-01T00:00Z")
    with pytest.raises(IntegrityError, match="invoices show the one before"), atomic():
        row.save()
    with pytest.raises(IntegrityError, match="has a history"), atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_payeeversion")


def test_version_that_is_over_stays(ann, bob, invoice, method, clock, run_effects):
    version = withdraw_payee(ask(method, ann), by=bob)

    for act in (confirm_payee, withdraw_payee):
        with pytest.raises(WrongState, match="withdrawn"):
            act(version, by=bob)
    with pytest.raises(IntegrityError, match="is over"), atomic():
        PayeeVersion.objects.filter(pk=version.pk).update(confirmed_by=bob)
    clock.advance(days=3)
    run_effects()
    assert in_force(method) == "12345678"
    confirm_payee(ask(method, ann), by=bob)  # another may be asked for


def test_one_change_waits_at_a_time(ann, bob, invoice, method):
    ask(method, ann)

    with pytest.raises(Conflict, match="waits already"):
        ask(method, bob, fields=OURS | {"account_number": "55555555"})
    ask(method, bob, fields=OURS, name="Wire")  # what is no payee is saved as ever

    assert PaymentMethod.objects.get().name == "Wire"


def test_method_that_no_invoice_shows_changes_at_once_and_is_told_of(ann, method, mailoutbox, run_effects):
    InvoiceFactory(subscription__account__country="PK")  # of another country

    version = ask(method, ann)
    run_effects()

    assert (in_force(method), version.at_once, version.asked_by) == ("99999999", True, ann)
    (mail,) = changed_mails(mailoutbox)
    assert "12345678" in mail.body
    assert "99999999" in mail.body


@pytest.mark.guards("S10", "core.models.payee_guards.IS_SHOWN")
@pytest.mark.parametrize("change", [{"is_enabled": False}, {"country": "CA"}, {"currency": "EUR"}], ids=str)
def test_method_that_is_put_aside_for_a_moment_is_not_changed_at_once(ann, bob, method, change):
    invoice = InvoiceFactory()
    row = PaymentMethod.objects.get()
    before = {name: getattr(row, name) for name in change}
    for name, value in change.items():
        setattr(row, name, value)
    save_method(row, by=ann)

    version = ask(method, ann)
    PaymentMethod.objects.update(**before)

    assert version.is_waiting
    assert seen(invoice) == ["12345678"]


def test_catalogue_is_in_force_at_once_and_by_nobody():
    seed_catalogue()

    versions = PayeeVersion.objects.in_force()
    assert versions.filter(number=1, at_once=True, asked_by=None).count() == len(METHODS)


@pytest.mark.guards("S10", "workflows.security.payee_effects.mail_payee_changed")
def test_old_and_new_are_mailed_at_asking_and_at_force_to_all_who_should_know(
    ann, bob, invoice, method, clock, run_effects, mailoutbox, settings
):
    settings.OPERATOR_EMAILS = ["ops@acme.test"]
    UserFactory(email="rita@staff.test", is_staff=True).user_permissions.add(
        Permission.objects.get(codename="review_payment")
    )

    confirm_payee(ask(method, ann, instructions={"en": "Send it elsewhere."}), by=bob)
    run_effects()
    clock.advance(hours=5)
    run_effects()

    assert payee_change_recipients() == ["ann@staff.test", "bob@staff.test", "rita@staff.test", "ops@acme.test"]
    mails = changed_mails(mailoutbox)
    assert [mail.subject.partition(":")[0] for mail in mails] == [
        "A change waits",
        "Money by ACH or wire is sent elsewhere now",
    ]
    for mail in mails:
        assert mail.to == payee_change_recipients()
        for words in ("12345678", "99999999", "Send {amount}.", "Send it elsewhere.", "ann@staff.test"):
            assert words in mail.body


def test_hours_are_those_of_the_policy_when_it_was_asked_for(ann, bob, invoice, method, clock, run_effects):
    Policy.objects.update_or_create(pk=1, defaults={"payee_wait_hours": 2, "payee_wait_hours_alone": 2})
    version = ask(method, ann)
    Policy.objects.update(payee_wait_hours=1)
    confirm_payee(version, by=bob)

    clock.advance(hours=1.5)
    run_effects()
    assert in_force(method) == "12345678"
    clock.advance(hours=1)
    run_effects()
    assert in_force(method) == "99999999"


def test_payee_that_does_not_fit_any_more_does_not_come_into_force(ann, bob, invoice, method, clock, run_effects):
    version = ask(method, ann)
    PaymentMethod.objects.update(name="")
    confirm_payee(version, by=bob)

    clock.advance(hours=5)
    run_effects()

    assert in_force(method) == "12345678"
    assert Effect.objects.get(state="dead").last_error
    withdraw_payee(version, by=ann)


def test_method_that_was_deleted_meanwhile_is_no_trouble(ann, bob, method, clock, run_effects):
    InvoiceFactory()
    version = ask(method, ann)
    confirm_payee(version, by=bob)
    method.delete()

    clock.advance(hours=5)
    run_effects()

    assert not Effect.objects.filter(state="dead").exists()
    assert PayeeVersion.objects.get(pk=version.pk).is_waiting


def test_reviewers_are_told_that_the_payee_of_a_claim_changed_lately(ann, bob, invoice, method, clock, run_effects):
    claim = PaymentFactory(invoice=invoice, method=method)
    assert "Payee changed" not in " ".join(sign.words for sign in queue()[0].flags)
    confirm_payee(ask(method, ann), by=bob)
    clock.advance(hours=5)
    run_effects()

    (found,) = queue()
    day = PaymentMethod.objects.get().payee_since
    assert f"Payee changed on {day:%-d %b %Y}" in [sign.words for sign in found.flags]
    clock.advance(days=61)
    (found,) = queue()
    assert found.id == claim.pk
    assert "Payee changed" not in " ".join(sign.words for sign in found.flags)


# Tolerance


@pytest.mark.guards("S10", "payment_method_tolerance_bounded")
@pytest.mark.parametrize(
    ("percent", "most", "currency"),
    [("100", "999999", "USD"), ("5.01", "1", "USD"), ("5", "50.01", "USD"), ("5", "10001", "JPY"), ("5", "51", "")],
)
def test_tolerance_is_bounded_by_the_model_and_the_database(ann, percent, most, currency):
    method = PaymentMethodFactory(currency=currency, fields=OURS, instructions=SEND)
    method.tolerance_percent, method.tolerance_max = Decimal(percent), Decimal(most)

    with pytest.raises(ValidationError):
        method.full_clean()
    with pytest.raises(ValidationError):
        save_method(method, by=ann)
    with pytest.raises(IntegrityError, match="payment_method_tolerance_bounded"), atomic():
        method.save()


def test_tolerance_waits_as_the_payee_does(ann, bob, invoice, method, clock, run_effects):
    version = ask(method, ann, fields=OURS, tolerance_percent=Decimal(5), tolerance_max=Decimal(10))
    assert PaymentMethod.objects.get().tolerance_max == 0
    confirm_payee(version, by=bob)

    clock.advance(hours=5)
    run_effects()

    method.refresh_from_db()
    assert (method.tolerance_max, method.tolerance_percent) == (10, 5)
