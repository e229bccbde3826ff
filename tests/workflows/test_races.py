"""Real threads on real rows: the second finds what the first one left, and the books agree."""

from __future__ import annotations

import threading
from decimal import Decimal
from time import sleep

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.transaction import atomic

from core.models import Account, Allocation, BalanceEntry, CreditEntry, Industry, Invoice, Payment, Subscription
from core.problems import Conflict, DuplicateClaim, Problem, WrongState
from engine import perform, run_due, schedule
from engine.models import Effect
from engine.testing import run_effects
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
    SubscriptionFactory,
)
from workflows.actions import choose_plan, claim_payment
from workflows.actions.invitations import invite
from workflows.actions.sites import open_site
from workflows.lifecycle.dunning import expire_unpaid_invoice
from workflows.lifecycle.invoicing import issue_invoice
from workflows.settlement.balances import balance_of
from workflows.settlement.effects import apply_balances
from workflows.settlement.locking import lock_account, lock_rows_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_in_order")]


@pytest.fixture
def staff():
    staff = StaffFactory()
    duties = ["reverse_payment", "void_invoice", "manage_accounts"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=duties))
    return staff


def begin_thread(act, outcomes):
    def run():
        try:
            outcomes.append(act())
        except Problem as problem:
            outcomes.append(problem)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def at_once(*acts):
    """What came of each, in no order: a value, or a Problem."""
    start, outcomes = threading.Barrier(len(acts)), []

    def together(act):
        start.wait()
        return act()

    for thread in [begin_thread(lambda act=act: together(act), outcomes) for act in acts]:
        thread.join()
    assert len(outcomes) == len(acts), "somebody failed with what is no Problem"
    return outcomes


def won(outcomes):
    return [outcome for outcome in outcomes if not isinstance(outcome, Problem)]


def fresh(payment):
    return Payment.objects.get(pk=payment.pk)


def test_of_concurrent_approvals_one_succeeds(mailoutbox):
    payment, approvers = PaymentFactory(), [StaffFactory() for _ in range(8)]

    outcomes = at_once(*(lambda by=by: perform(fresh(payment).approve, by=by) for by in approvers))
    run_effects()

    (decision,) = won(outcomes)
    assert {type(outcome) for outcome in outcomes if outcome is not decision} <= {WrongState} | _subclasses(WrongState)
    assert fresh(payment).decided_by == decision.actor
    assert CreditEntry.objects.filter(kind="grant").count() == 1
    assert [m.extra_headers["X-Countersign-Kind"] for m in mailoutbox].count("payment_approved") == 1


def _subclasses(problem):
    return set(problem.__subclasses__())


@pytest.mark.parametrize("_", range(3))
def test_of_concurrent_approve_reject_and_withdraw_one_succeeds(_, staff):
    payment = PaymentFactory()
    owner = payment.submitted_by

    outcomes = at_once(
        lambda: perform(fresh(payment).approve, by=staff).target,
        lambda: perform(fresh(payment).reject, by=StaffFactory(), reason_code="other").target,
        lambda: perform(fresh(payment).withdraw, by=owner).target,
    )

    (target,) = won(outcomes)
    assert fresh(payment).status == target
    run_effects()
    assert Account.objects.get().status == ("active" if target == "approved" else "pending_payment")


@pytest.mark.parametrize("_", range(3))
def test_approving_while_the_invoice_is_voided_loses_no_money(_, staff):
    payment = PaymentFactory()
    run_effects()

    at_once(
        lambda: perform(Invoice.objects.get(pk=payment.invoice_id).void, by=staff),
        lambda: (perform(fresh(payment).approve, by=staff), run_effects()),
    )
    run_effects()

    invoice = Invoice.objects.get(pk=payment.invoice_id)
    assert fresh(payment).status == "succeeded"
    placed = {"USD": Decimal("89.00")} if invoice.status == "void" else {}
    assert balance_of(payment.account_id) == placed


def lapse_of(invoice):
    key = schedule(expire_unpaid_invoice, key=f"lapse:{invoice.pk}", about=invoice)
    return Effect.objects.get(pk=key) if key else Effect.objects.get(key=f"lapse:{invoice.pk}")


def test_a_claim_that_comes_while_its_invoice_lapses_finds_it_lapsed():
    invoice, method, outcomes = InvoiceFactory(), PaymentMethodFactory(), []
    owner = MembershipFactory(account=invoice.account).user

    with atomic():
        expire_unpaid_invoice(invoice, lapse_of(invoice))
        claim = begin_thread(lambda: claim_it(invoice, method, owner), outcomes)
        claim.join(0.5)
        assert claim.is_alive(), "it did not wait for what is being decided"
    claim.join()

    (refusal,) = outcomes
    assert isinstance(refusal, WrongState)
    assert refusal.members["object_status"] == "void"
    assert not Payment.objects.exists()


def test_an_invoice_that_would_lapse_while_it_is_being_claimed_does_not():
    invoice, method = InvoiceFactory(), PaymentMethodFactory()
    owner = MembershipFactory(account=invoice.account).user
    lapse, outcomes = lapse_of(invoice), []

    with atomic():
        claim_it(invoice, method, owner)
        work = begin_thread(lambda: run_due([lapse.pk]), outcomes)
        work.join(0.5)
        assert work.is_alive()
    work.join()

    assert Invoice.objects.get(pk=invoice.pk).status == "pending"


def claim_it(invoice, method, owner, reference="WIRE 1"):
    return claim_payment(
        invoice=invoice, method=method, amount=Decimal(89), currency="USD", reference=reference, by=owner
    )


@pytest.mark.parametrize("_", range(3))
def test_approval_beats_expiry(_, staff):
    payment = PaymentFactory()
    run_effects()
    lapse = lapse_of(payment.invoice)
    Effect.objects.filter(pk=lapse.pk).update(state="ready")

    at_once(lambda: perform(fresh(payment).approve, by=staff), lambda: run_due([lapse.pk]))
    run_effects()

    assert [str(payment.invoice.__class__.objects.get().status), str(Account.objects.get().status)] == [
        "paid",
        "active",
    ]


def test_the_same_reference_at_once_is_one_claim():
    invoice, method = InvoiceFactory(), PaymentMethodFactory()
    owner = MembershipFactory(account=invoice.account).user

    outcomes = at_once(*(lambda n=n: claim_it(invoice, method, owner, f"wire-{'1' * (n // 9 + 1)}") for n in range(6)))

    (claim,) = won(outcomes)
    refusals = [outcome for outcome in outcomes if outcome is not claim]
    assert all(isinstance(refusal, DuplicateClaim) for refusal in refusals)
    assert {refusal.members["payment_id"] for refusal in refusals} == {str(claim.pk)}


def overpaid(staff, amount="189.00"):
    """A payment that leaves something in the balance, and its living subscription."""
    payment = PaymentFactory(amount=Decimal(amount))
    perform(payment.approve, by=staff)
    run_effects()
    return payment, Subscription.objects.get(account=payment.account_id)


def bill(subscription, total):
    """Another invoice, whose balance nobody has applied yet."""
    invoice = issue_invoice(
        subscription.account,
        amount=Decimal(total),
        subscription=subscription,
        cause=None,
        method=None,
        purpose="upgrade",
        period=(subscription.period_start, subscription.period_end),
    )
    return invoice, Effect.objects.get(kind="invoice.apply_balance", object_id=invoice.pk)


@pytest.mark.parametrize("_", range(3))
def test_a_balance_is_used_once(_, staff):
    payment, subscription = overpaid(staff)
    bills = [bill(subscription, "80.00") for _ in range(3)]

    at_once(*(lambda effect=effect: run_due([effect.pk]) for _, effect in bills))
    run_effects()

    used = sum(Allocation.objects.exclude(invoice=payment.invoice_id).values_list("amount", flat=True))
    assert used == Decimal("100.00")
    assert balance_of(payment.account_id) == {}


def test_balances_are_used_once_by_invoices_of_one_batch(staff):
    houses = [overpaid(staff) for _ in range(2)]
    bills = [bill(subscription, "80.00") for _, subscription in houses for _ in range(3)]

    run_due([effect.pk for _, effect in bills])
    run_effects()  # what is paid in part looks once more

    assert {effect.state for effect in Effect.objects.filter(kind="invoice.apply_balance")} == {"done"}
    for payment, _ in houses:
        others = Allocation.objects.filter(account=payment.account_id).exclude(invoice=payment.invoice_id)
        assert sorted(others.values_list("amount", flat=True)) == [Decimal("20.00"), Decimal("80.00")]
        assert balance_of(payment.account_id) == {}


def test_a_reversal_takes_back_what_a_balance_was_just_paying(staff):
    payment, subscription = overpaid(staff)
    invoice, effect = bill(subscription, "80.00")
    perform(fresh(payment).reverse, by=staff, reason_given="recalled")
    back = Effect.objects.get(kind="payment.unsettle")
    outcomes = []

    with atomic():
        lock_account(payment.account)
        work = begin_thread(lambda: run_due([back.pk]), outcomes)
        work.join(0.5)
        assert work.is_alive()
        # As if it had looked at the balance just before the reversal.
        Allocation.objects.create(account=payment.account, payment=payment, invoice=invoice, amount=Decimal(80))
        perform(Invoice.objects.get(pk=invoice.pk).pay, amount=Decimal(80))
        BalanceEntry.objects.create(
            account=payment.account, payment=payment, currency="USD", amount=Decimal(-80), key="as apply_balance"
        )
        Effect.objects.filter(pk=effect.pk).update(state="skipped")
    work.join()

    assert sum(Allocation.objects.values_list("amount", flat=True)) == 0
    assert {str(row.status) for row in Invoice.objects.all()} == {"pending"}
    assert balance_of(payment.account_id) == {}


@pytest.mark.parametrize("_", range(3))
def test_a_reversal_and_a_renewal_at_once_leave_no_money_anywhere(_, staff):
    payment, subscription = overpaid(staff)
    _, effect = bill(subscription, "80.00")

    at_once(
        lambda: (perform(fresh(payment).reverse, by=staff, reason_given="recalled"), run_effects()),
        lambda: run_due([effect.pk]),
    )
    run_effects()

    assert sum(Allocation.objects.values_list("amount", flat=True)) == 0
    assert balance_of(payment.account_id) == {}


@pytest.mark.parametrize("_", range(3))
def test_closing_and_settling_at_once_open_nothing_that_stays_open(_, staff):
    payment = PaymentFactory()
    run_effects()
    perform(payment.approve, by=staff)

    at_once(lambda: perform(Account.objects.get().close, by=staff), run_effects)
    run_effects()

    account = Account.objects.get()
    if account.status == "closed":
        assert Subscription.objects.get().status == "cancelled"
    else:  # the closing came too late for its copy, and was refused
        assert account.status == "active"


@pytest.mark.parametrize("_", range(3))
def test_cancelling_and_settling_at_once_keep_the_money(_, staff):
    payment = PaymentFactory()
    run_effects()
    perform(payment.approve, by=staff)

    at_once(lambda: perform(Subscription.objects.get().cancel, by=payment.submitted_by), run_effects)
    run_effects()

    invoice = Invoice.objects.get()
    assert (invoice.status, bool(balance_of(payment.account_id))) in [("paid", False), ("void", True)]


def test_a_plan_that_is_chosen_twice_at_once_is_waited_for_once():
    PlanFactory(code="free", price=Decimal(0))
    plans = [PlanFactory(), PlanFactory(code="growth", price=Decimal(189))]
    account = AccountFactory(status="trial")
    owner = MembershipFactory(account=account).user

    at_once(*(lambda plan=plan: choose_plan(account, plan, by=owner) for plan in plans * 2))

    assert Subscription.objects.filter(status="pending_payment").count() == 1
    assert Invoice.objects.filter(status="pending").count() == 1
    assert Invoice.objects.filter(status="void").count() == 3


@pytest.mark.parametrize("what", ["sites", "people"])
def test_a_limit_holds_when_many_ask_at_once(what):
    PlanFactory(code="free", price=Decimal(0), max_sites=3, max_users=3)
    account = AccountFactory(status="trial")
    owner = MembershipFactory(account=account).user
    industry = Industry.objects.create(name="Retail")

    def ask(n):
        if what == "sites":
            return open_site(account, name=f"Shop {n}", industry=industry, by=owner)
        return invite(account, email=f"p{n}@acme.test", role="member", by=owner)

    outcomes = at_once(*(lambda n=n: ask(n) for n in range(8)))

    assert len(won(outcomes)) == (3 if what == "sites" else 2)  # the owner is one of the people
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Problem)} == {Conflict}


def test_balance_applied_by_hand_twice_pays_once(staff):
    payment, subscription = overpaid(staff)
    invoice, effect = bill(subscription, "80.00")

    for _ in range(2):
        with atomic():
            apply_balances([Invoice.objects.get(pk=invoice.pk)], [effect])

    assert balance_of(payment.account_id) == {"USD": Decimal("20.00")}


BY_THEIR_ORDER = ["core_account", "core_subscription", "core_invoice", "core_payment"]


@pytest.mark.guards("deadlock", "workflows.settlement.locking.lock_rows_for")
@pytest.mark.parametrize("held", BY_THEIR_ORDER[:-1])
def test_what_waits_for_a_parent_holds_none_of_its_children(held):
    """Accounts, subscriptions, invoices, payments: in one order everywhere, else two settlements may deadlock."""
    payment = PaymentFactory(invoice__subscription=SubscriptionFactory())
    keys = {
        "core_account": payment.account_id,
        "core_subscription": payment.invoice.subscription_id,
        "core_invoice": payment.invoice_id,
        "core_payment": payment.pk,
    }
    free = []
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {held} WHERE id = %s FOR UPDATE", [keys[held]])
        settling = begin_thread(lambda: _open_and_leave(payment), [])
        _wait_for_a_lock(cursor)
        for table in BY_THEIR_ORDER[BY_THEIR_ORDER.index(held) + 1 :]:
            cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE SKIP LOCKED", [keys[table]])
            if cursor.rowcount:
                free.append(table)
    settling.join()

    assert free == BY_THEIR_ORDER[BY_THEIR_ORDER.index(held) + 1 :]


def _wait_for_a_lock(cursor):
    for _ in range(200):
        cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
        if cursor.rowcount:
            return
        sleep(0.05)
    raise AssertionError("nobody waits")


def _open_and_leave(payment):
    with atomic():
        lock_rows_for([Effect(object_id=payment.pk, account_id=payment.account_id)])
