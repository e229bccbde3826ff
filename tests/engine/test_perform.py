from __future__ import annotations

import threading
from copy import deepcopy
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.transaction import atomic

from core.models import Invoice, Payment
from core.problems import IdempotencyKeyReused, PermissionDenied, WrongState
from engine import available, create, create_many, explain, perform, perform_many
from engine.models import Effect, Transition
from engine.stateful import DirectStateChange
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    PaymentFactory,
    StaffFactory,
    SubscriptionFactory,
    UserFactory,
)
from tests.toy.models import Door

pytestmark = pytest.mark.django_db


def test_a_transition_its_row_and_its_effects_are_one_statement(django_assert_num_queries):
    payment, staff = PaymentFactory(), StaffFactory()
    staff.is_granted("core.approve_payment")

    with django_assert_num_queries(1):
        fact = perform(payment.approve, by=staff, admin_notes="seen")

    payment.refresh_from_db()
    fact.refresh_from_db()
    assert (payment.status, payment.decided_by, payment.received) == ("approved", staff, Decimal("89.00"))
    assert (fact.source, fact.target, fact.seq, fact.actor) == ("pending_approval", "approved", 2, staff)
    assert fact.inputs == {"admin_notes": "seen"}
    effect = Effect.objects.get(transition=fact)
    assert effect.kind == "payment.settle"
    assert effect.key == f"payment:{payment.pk}:2:payment.settle"


def test_a_set_takes_as_many_statements_as_its_machines_not_as_its_members(django_assert_num_queries):
    payments = [PaymentFactory(reference_key=str(n)) for n in range(7)]
    staff = StaffFactory()
    staff.is_granted("core.approve_payment")

    # One, and a savepoint of the `atomic` here.
    with django_assert_num_queries(1 + 2), atomic():
        perform_many([payment.approve for payment in payments], by=staff)

    assert Transition.objects.filter(name="approve", actor=staff).count() == 7


def test_stale_copy_is_refused_and_refreshed():
    payment, first, second = PaymentFactory(), StaffFactory(), StaffFactory()
    stale = Payment.objects.get(pk=payment.pk)
    perform(payment.approve, by=first)

    with pytest.raises(WrongState) as refusal:
        perform(stale.reject, by=second, reason_code="not_received")

    assert refusal.value.members == {"object_status": "approved", "available": [], "unmet": []}
    assert stale.status == "approved"
    assert stale.reason_code == ""
    assert stale.decided_by == first


def test_a_set_with_one_stale_member_changes_nothing():
    payments = [PaymentFactory(reference_key=str(n)) for n in range(3)]
    perform(Payment.objects.get(pk=payments[1].pk).approve, by=StaffFactory())

    with pytest.raises(WrongState), atomic():
        perform_many([payment.approve for payment in payments], by=StaffFactory())

    assert [payment.status for payment in Payment.objects.order_by("pk")] == [
        "pending_approval",
        "approved",
        "pending_approval",
    ]
    assert [payment.status for payment in payments] == ["pending_approval", "pending_approval", "pending_approval"]


def test_nobody_decides_on_their_own_payment():
    staff = StaffFactory()
    payment = PaymentFactory(submitted_by=staff)

    with pytest.raises(PermissionDenied):
        perform(payment.approve, by=staff)

    assert payment.status == "pending_approval"
    assert available(payment, staff) == []


def test_a_superuser_is_no_approver_by_that_alone():
    payment, root = PaymentFactory(), UserFactory(is_superuser=True, is_staff=True)

    with pytest.raises(PermissionDenied):
        perform(payment.approve, by=root)


def test_a_transition_of_the_engine_is_closed_to_people_and_the_other_way_round():
    payment, staff = PaymentFactory(), StaffFactory()

    with pytest.raises(PermissionDenied):
        perform(payment.approve)
    perform(payment.approve, by=staff)
    with pytest.raises(PermissionDenied):
        perform(payment.settle, by=staff)


def test_explain_says_why_each_transition_is_open_or_closed():
    payment, staff = PaymentFactory(), StaffFactory()

    rules = {rule.name: (rule.is_open, rule.in_state, rule.permitted) for rule in explain(payment, staff)}

    assert rules == {
        "approve": (True, True, True),
        "reject": (True, True, True),
        "reverse": (False, False, False),
        "reverse_part": (False, False, False),
        "settle": (False, False, False),
        "withdraw": (False, True, False),
    }


def test_a_status_is_written_by_nobody_else():
    payment = PaymentFactory()

    with pytest.raises(DirectStateChange):
        payment.status = "succeeded"
    with pytest.raises(DirectStateChange):
        payment.approve(by=StaffFactory())
    with pytest.raises(DirectStateChange):
        Payment.objects.create(invoice=payment.invoice)


def test_saving_a_stale_copy_does_not_undo_a_transition():
    payment, staff = PaymentFactory(), StaffFactory()
    stale = Payment.objects.get(pk=payment.pk)
    perform(payment.approve, by=staff)

    stale.notes = "a note"
    stale.save(update_fields=["notes"])

    payment.refresh_from_db()
    assert (payment.status, payment.decided_by, payment.notes) == ("approved", staff, "a note")
    with pytest.raises(DirectStateChange):
        stale.save()
    with pytest.raises(DirectStateChange):
        stale.save(update_fields=["status"])


def test_creation_is_a_transition():
    account = AccountFactory.build(status="trial")

    fact = create(account, plan="free")

    assert (fact.seq, fact.source, fact.target, fact.account_id) == (1, "", "trial", account.pk)
    assert {effect.kind for effect in fact.effects.all()} == {"mail.trial_started", "account.watch_trial"}


def test_a_follower_with_a_target_follows_only_there():
    invoice = InvoiceFactory()

    whole = perform(invoice.pay, amount=Decimal("89.00"))
    part = perform(InvoiceFactory().pay, amount=Decimal("1.00"))

    assert whole.effects.count() == 0
    kinds = sorted(effect.kind for effect in part.effects.all())
    assert kinds == ["invoice.apply_balance", "invoice.watch", "mail.payment_partial"]


def test_a_method_that_raises_leaves_the_object_as_the_database_has_it():
    invoice = InvoiceFactory()

    with pytest.raises(TypeError):
        perform(invoice.pay, amount="eighty-nine")

    assert (invoice.status, invoice.version, invoice.allocated) == ("pending", 2, Decimal(0))


def test_a_request_key_gives_back_its_first_answer():
    payment, staff = PaymentFactory(), StaffFactory()

    first = perform(payment.approve, by=staff, request_key="abc")
    again = perform(payment.approve, by=staff, request_key="abc")

    assert again == first
    assert Transition.objects.filter(object_id=payment.pk).count() == 2


def test_the_same_key_with_another_request_is_refused():
    """H16: the first answer is none to it, and nothing would happen."""
    staff, one, other = StaffFactory(), Door(), Door()
    create_many([one, other])
    first = perform(one.open_up, by=staff, request_key="k", note="parcel")
    assert perform(one.open_up, by=staff, request_key="k", note="parcel") == first
    perform(other.open_up, by=staff)

    for method, inputs in [(other.open_up, {"note": "parcel"}), (one.open_up, {"note": "letter"}), (one.open_up, {})]:
        with pytest.raises(IdempotencyKeyReused):
            perform(method, by=staff, request_key="k", **inputs)
    create(third := Door())
    with pytest.raises(IdempotencyKeyReused):
        perform(third.open_up, by=staff, request_key="k", note="parcel")
    with pytest.raises(IdempotencyKeyReused):
        perform(SubscriptionFactory().cancel, by=staff, request_key="k")

    third.refresh_from_db()
    assert third.status == "shut"
    assert perform(third.open_up, by=StaffFactory(), request_key="k").object_id == third.pk  # a key is its person's


def test_the_same_key_at_the_same_moment_is_refused_too(monkeypatch):
    """H16"""
    staff, one, other = StaffFactory(), Door(), Door()
    create_many([one, other])
    perform(one.open_up, by=staff, request_key="k")
    looks = iter([Transition.objects.none()])
    real = Transition.objects.filter
    monkeypatch.setattr(Transition.objects, "filter", lambda **fields: next(looks, None) or real(**fields))

    with pytest.raises(IdempotencyKeyReused):
        perform(other.open_up, by=staff, request_key="k")


def test_inputs_are_compared_as_they_are_kept():
    """H16: a date is a string in the history."""
    one = SubscriptionFactory()
    inputs = {"on": date(2026, 1, 1), "until": date(2026, 2, 1)}

    first = perform(one.activate, request_key="k", **inputs)

    assert perform(one.activate, request_key="k", **inputs) == first


def plan_by(monkeypatch, body):
    """A payment whose next transition is this method."""
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(), allocations=[{"invoice": str(payment.invoice_id), "amount": "1.00"}])
    monkeypatch.setattr(Payment.settle, "__wrapped__", body)
    return payment


@pytest.mark.parametrize(
    "change",
    [lambda plan: plan.append({"more": 1}), lambda plan: plan[0].update(amount="2.00"), lambda plan: plan.clear()],
    ids=["appended", "within", "emptied"],
)
def test_json_that_is_changed_in_place_is_written(monkeypatch, change):
    """H23: memory said that it was."""
    payment = plan_by(monkeypatch, lambda self: change(self.allocation_plan))
    expected = deepcopy(payment.allocation_plan)
    change(expected)

    perform(payment.settle)

    assert payment.allocation_plan == expected
    payment.refresh_from_db()
    assert payment.allocation_plan == expected


def test_in_json_one_is_not_true(monkeypatch):
    """H23: although Python says that they are equal."""
    payment = plan_by(monkeypatch, lambda self: self.allocation_plan[0].update(seen=True))
    payment.allocation_plan[0]["seen"] = 1
    payment.save(update_fields=["allocation_plan"])

    perform(payment.settle)

    payment.refresh_from_db()
    assert payment.allocation_plan[0]["seen"] is True


def test_json_that_was_changed_in_place_is_as_before_after_a_failure(monkeypatch):
    """H23: after any refusal the object in memory equals the database."""

    def body(self):
        self.allocation_plan.clear()
        raise RuntimeError("it cannot be")

    payment = plan_by(monkeypatch, body)
    with pytest.raises(RuntimeError):
        perform(payment.settle)

    assert len(payment.allocation_plan) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_approvers_at_once_one_wins():
    payment = PaymentFactory()
    staff = [StaffFactory() for _ in range(8)]
    start, outcomes = threading.Barrier(len(staff)), []

    def approve(user):
        mine = Payment.objects.get(pk=payment.pk)
        start.wait()
        try:
            outcomes.append(perform(mine.approve, by=user).name)
        except WrongState as refusal:
            outcomes.append(refusal.slug)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=(user,)) for user in staff]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["approve"] + ["wrong-state"] * 7
    assert Effect.objects.filter(kind="payment.settle").count() == 1
    assert Invoice.objects.get().status == "pending"
