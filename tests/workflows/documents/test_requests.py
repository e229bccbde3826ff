from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pikepdf
import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F, Sum

from core.models import Account, BalanceEntry, Document, Invoice, Membership, Payment, PlanPrice, Refund
from core.problems import Conflict, PermissionDenied, TooManyRequests, ValidationError
from engine import perform
from engine.models import Transition
from tests.factories import MembershipFactory, PaymentMethodFactory, SellerVersionFactory, StaffFactory, TaxRuleFactory
from workflows.actions import void_invoice
from workflows.actions.proformas import make_proforma
from workflows.documents.composing.statement import movements, statement_data
from workflows.documents.requests import make_reminder, make_statement
from workflows.lifecycle.invoicing import issue_invoice
from workflows.refunds import Payee, request_refund
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db

A_YEAR = timedelta(days=365)


@pytest.fixture
def seller():
    return SellerVersionFactory()


@pytest.fixture
def refunder():
    staff = StaffFactory()
    duties = ["request_refund", "approve_refund"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=duties))
    return staff


@pytest.fixture
def manager(refunder):
    """Another one who may approve refunds."""
    staff = StaffFactory()
    staff.user_permissions.set(refunder.user_permissions.all())
    return staff


def owed(account, currency="USD"):
    """What is asked for, without what is in the balance."""
    rows = Invoice.objects.filter(account=account, currency=currency, status__in=Invoice.OPEN)
    open_ = rows.aggregate(sum=Sum(F("total") - F("credited") - F("allocated") - F("written_off")))["sum"] or Decimal(0)
    return open_ - balance_of(account.pk).get(currency, Decimal(0))


def closing(account, currency="USD"):
    return sum((row.amount for row in movements(account, currency)), Decimal(0))


def moved(account):
    return sorted((row.what.partition(" ")[0], row.amount) for row in movements(account, "USD"))


def bill(signed, amount):
    return issue_invoice(
        signed.account, amount=Decimal(amount), subscription=signed.subscription, cause=None, method=None
    )


def refund_of(account, amount, by):
    return request_refund(account, amount=Decimal(amount), currency="USD", payee=Payee("Ann"), reason="overpaid", by=by)


def test_statement_of_an_open_invoice_asks_for_it(customer):
    signed = customer()

    assert closing(signed.account) == owed(signed.account) == Decimal(89)


def test_statement_follows_part_payments_and_what_is_paid_too_much(customer, pay, receive, run_effects):
    signed = customer()
    pay(signed.invoice, amount=50)
    assert closing(signed.account) == owed(signed.account) == Decimal(39)

    receive(signed.invoice, "60", reference="MORE")
    assert closing(signed.account) == owed(signed.account) == Decimal(-21)

    bill(signed, 10)  # the balance pays it
    run_effects()
    assert closing(signed.account) == owed(signed.account) == Decimal(-11)


def test_claims_that_are_not_accepted_move_nothing(customer, pay):
    signed = customer()
    waiting = pay(signed.invoice, amount=50, settle=False)
    perform(pay(signed.invoice, amount=5, settle=False).reject, by=StaffFactory(), reason_code="other")

    assert closing(signed.account) == owed(signed.account) == Decimal(89)
    assert waiting.status == Payment.Status.PENDING_APPROVAL


def test_statement_follows_reversals_of_all_and_of_a_part(active, receive, controller, run_effects):
    signed = active()
    more = receive(signed.invoice, "30", reference="MORE")  # to the balance
    perform(more.reverse_part, by=controller, amount=Decimal(10), reason_given="recalled")
    run_effects()
    assert closing(signed.account) == owed(signed.account) == Decimal(-20)

    perform(Payment.objects.get(reference="R1").reverse, by=controller, reason_given="bounced")
    run_effects()
    assert closing(signed.account) == owed(signed.account)

    more.refresh_from_db()
    perform(more.reverse, by=controller, reason_given="recalled")
    run_effects()
    assert closing(signed.account) == owed(signed.account) == Decimal(89)


def test_statement_follows_refunds_from_request_to_end(active, receive, refunder, manager, clock, run_effects):
    signed = active()
    receive(signed.invoice, "60", reference="MORE")

    cancelled, failed, sent = (refund_of(signed.account, 10, refunder) for _ in range(3))
    assert closing(signed.account) == owed(signed.account) == Decimal(-30)

    perform(cancelled.cancel, by=manager, because="a mistake")
    for refund in (failed, sent):
        perform(refund.approve, by=manager)
        perform(refund.mark_sent, by=refunder, sent_on=signed.account.created_at.date())
    run_effects()
    assert closing(signed.account) == owed(signed.account) == Decimal(-40)

    clock.advance(days=1)
    perform(failed.fail, by=manager, because="no such account")
    run_effects()
    assert closing(signed.account) == owed(signed.account) == Decimal(-50)
    words = [row.what for row in movements(signed.account, "USD")]
    assert (words.count("Refund"), words.count("Refund that came back")) == (2, 1)
    assert "Refund that was not sent" not in words  # it was cancelled on its day


def test_payment_that_is_reversed_after_its_refund_is_owed(active, receive, refunder, manager, controller, run_effects):
    signed = active()
    more = receive(signed.invoice, "60", reference="MORE")
    refund = refund_of(signed.account, 60, refunder)
    perform(refund.approve, by=manager)
    perform(refund.mark_sent, by=refunder, sent_on=signed.account.created_at.date())

    perform(more.reverse, by=controller, reason_given="recalled")
    run_effects()

    assert Refund.objects.get().status == Refund.Status.SENT
    assert closing(signed.account) == owed(signed.account) == Decimal(60)


def test_refund_that_lapses_with_its_payment_moves_nothing(active, receive, refunder, controller, run_effects):
    signed = active()
    more = receive(signed.invoice, "60", reference="MORE")
    refund_of(signed.account, 60, refunder)

    perform(more.reverse, by=controller, reason_given="recalled")
    run_effects()

    assert Refund.objects.get().status == Refund.Status.CANCELLED
    assert closing(signed.account) == owed(signed.account) == Decimal(0)


@pytest.mark.parametrize("paid", [0, 40])
def test_statement_follows_a_void_invoice(customer, pay, controller, run_effects, paid):
    signed = customer()
    if paid:
        pay(signed.invoice, amount=paid)

    void_invoice(Invoice.objects.get(), by=controller, reason="issued twice", to_balance=True)
    run_effects()

    assert closing(signed.account) == owed(signed.account) == Decimal(-paid)


def test_statement_follows_bank_fees_that_are_written_off(customer, pay):
    PaymentMethodFactory(tolerance_percent=5, tolerance_max=5)  # the one that both take
    signed = customer()

    pay(signed.invoice, amount=Decimal("86.50"))

    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.written_off) == ("paid", Decimal("2.50"))
    assert closing(signed.account) == owed(signed.account) == Decimal(0)
    assert ("Bank", Decimal("-2.50")) in moved(signed.account)


def test_what_is_not_expected_any_more_is_not_asked_for(customer, pay, receive, controller):
    signed = customer()
    pay(signed.invoice, amount=40)
    perform(Invoice.objects.get().write_off, by=controller)
    assert closing(signed.account) == owed(signed.account) == Decimal(0)
    assert ("Invoice", Decimal(-49)) in moved(signed.account)

    receive(signed.invoice, "20", reference="LATE")

    assert closing(signed.account) == owed(signed.account)


def test_corrections_by_hand_and_other_currencies_are_told_apart(customer):
    account = customer().account
    for currency, amount in (("USD", 7), ("EUR", 5)):
        BalanceEntry.objects.create(account=account, currency=currency, amount=amount, key=f"hand:{currency}")

    assert closing(account) == owed(account) == Decimal(82)
    assert closing(account, "EUR") == owed(account, "EUR") == Decimal(-5)


def test_statement_says_what_was_owed_before_and_what_is_left(active, clock, live_through):
    signed = active()
    live_through(3)
    start = clock.today()
    bill(signed, 10)

    data = statement_data(signed.account, "en", currency="USD", start=start, end=start, on=start)

    [table] = data["sections"]
    assert table["rows"][0][1:] == ["Owed before", "", "0.00 USD"]
    assert [row[2:] for row in table["rows"][1:]] == [["10.00 USD", "10.00 USD"]]
    assert data["totals"] == [{"label": "To pay", "value": "10.00 USD", "strong": True}]


def test_statement_is_a_document_of_the_account(seller, active, clock, run_effects):
    signed = active()
    today = clock.today()

    made = make_statement(signed.account, "USD", today - A_YEAR, today, by=signed.user)
    run_effects()

    made.refresh_from_db()
    assert (made.kind, made.status, made.number, made.subject_id) == ("statement", "made", None, signed.account.pk)
    assert made.key.startswith(f"statement:{signed.account.pk}:USD:{today - A_YEAR}:{today}:")
    assert Transition.objects.get(machine="document", object_id=made.pk, name="begin").actor_id == signed.user.pk
    with pikepdf.open(BytesIO(bytes(made.file.content))) as file:
        assert str(file.docinfo["/Title"]) == "Statement of account"
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_statement_without_a_seller_waits(active, clock):
    signed = active()

    made = make_statement(signed.account, "USD", clock.today(), clock.today(), by=signed.user)

    assert (made.status, made.missing) == ("waiting", ["seller"])


@pytest.mark.parametrize(
    ("currency", "start", "end", "field"),
    [("XXX", 0, 0, "currency"), ("usd", 0, 0, "currency"), ("USD", 0, -1, "end"), ("USD", 0, 1, "end"),
     ("USD", -366, 0, "start")],
)  # fmt: skip
def test_statement_of_a_wrong_span_or_currency_is_refused(customer, clock, currency, start, end, field):
    signed, today = customer(), clock.today()

    with pytest.raises(ValidationError) as refused:
        make_statement(
            signed.account, currency, today + timedelta(days=start), today + timedelta(days=end), by=signed.user
        )

    assert list(refused.value.members["errors"]) == [field]
    assert not Document.objects.filter(kind="statement").exists()


def test_statements_are_asked_for_by_admins_and_by_staff_who_see_payments(customer, clock):
    account, today = customer().account, clock.today()
    admin = MembershipFactory(account=account, role=Membership.Role.ADMIN).user
    others = [
        MembershipFactory(account=account, role=Membership.Role.MEMBER).user,
        MembershipFactory(account=account, role=Membership.Role.VIEWER).user,
        MembershipFactory().user,
        StaffFactory.build(is_staff=True),
    ]
    others[3].save()

    for person in (admin, StaffFactory()):
        make_statement(account, "USD", today, today, by=person)
    for person in others:
        with pytest.raises(PermissionDenied):
            make_statement(account, "USD", today, today, by=person)


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_customers_ask_for_so_many_documents_a_day_and_staff_for_more(customer, clock, settings):
    settings.ACCOUNT_LIMITS = {"document": (2, timedelta(days=1))}
    signed, today = customer(), clock.today()
    price = PlanPrice.objects.get(plan__code="starter")
    make_statement(signed.account, "USD", today, today, by=signed.user)
    make_proforma(signed.account, price, by=signed.user)

    with pytest.raises(TooManyRequests):
        make_proforma(signed.account, price, by=signed.user)
    make_statement(signed.account, "USD", today, today, by=StaffFactory())

    assert Document.objects.filter(kind__in=["statement", "proforma"]).count() == 3


def test_closed_account_gets_its_statement_from_staff_alone(customer, clock):
    signed, today = customer(), clock.today()
    perform(signed.account.close, by=signed.user)

    with pytest.raises(Conflict):
        make_statement(signed.account, "USD", today, today, by=signed.user)

    assert make_statement(signed.account, "USD", today, today, by=StaffFactory()).kind == "statement"


def test_proforma_says_what_an_invoice_would_and_is_none(seller, customer, run_effects):
    TaxRuleFactory(category="S", rate=10, label="Sales tax")
    signed = customer()
    before = Invoice.objects.count()

    made = make_proforma(signed.account, PlanPrice.objects.get(plan__code="growth"), by=signed.user)
    run_effects()

    made.refresh_from_db()
    assert (made.kind, made.status, made.number, made.subject_id) == ("proforma", "made", None, signed.account.pk)
    totals = [(row["label"], row["value"]) for row in made.data["totals"]]
    assert totals == [("Net", "171.82 USD"), ("Sales tax 10 %", "17.18 USD"), ("Total", "189.00 USD")]
    assert made.data["sections"][0]["rows"][0][0] == "Growth, one month"
    assert "This is no invoice: nothing is owed, and no tax is due by it." in made.data["notes"]
    assert made.data["payment"] is None
    assert Invoice.objects.count() == before


def test_proforma_of_a_free_plan_is_refused(customer):
    signed = customer()

    with pytest.raises(ValidationError):
        make_proforma(signed.account, PlanPrice.objects.get(plan__code="free"), by=signed.user)


def test_proforma_in_arabic_is_set_from_right_to_left(seller, customer):
    signed = customer()
    Account.objects.update(language="ar")

    made = make_proforma(signed.account, PlanPrice.objects.get(plan__code="growth"), by=signed.user)

    assert (made.language, made.data["direction"], made.data["title"]) == ("ar", "rtl", "فاتورة مبدئية")
    assert "هذه ليست فاتورة: لا يستحق بها أي مبلغ ولا ضريبة." in made.data["notes"]


def test_reminder_letter_says_what_is_left_and_how_late_it_is(seller, customer, pay, clock, run_effects):
    signed = customer()
    pay(signed.invoice, amount=50)
    due_on = Invoice.objects.get().due_on
    clock.advance(days=(due_on - clock.today()).days + 3)

    made = make_reminder(Invoice.objects.get(), by=StaffFactory())
    run_effects()

    made.refresh_from_db()
    facts = {row["label"]: row["value"] for row in made.data["facts"]}
    assert (made.kind, made.status, made.subject_id) == ("reminder", "made", signed.invoice.pk)
    assert made.data["title"] == f"Reminder of invoice {signed.invoice.number}"
    assert facts["Days late"] == "3"
    assert made.data["sections"][0]["rows"][0][1:] == ["89.00 USD", "50.00 USD", "39.00 USD"]
    assert made.data["totals"][0]["value"] == "39.00 USD"


def test_reminder_letter_of_a_paid_invoice_is_refused(active):
    signed = active()

    with pytest.raises(Conflict):
        make_reminder(Invoice.objects.get(pk=signed.invoice.pk), by=StaffFactory())


def test_reminder_letters_are_written_by_staff_who_see_payments(customer):
    signed = customer()

    for person in (signed.user, MembershipFactory().user):
        with pytest.raises(PermissionDenied):
            make_reminder(Invoice.objects.get(), by=person)
