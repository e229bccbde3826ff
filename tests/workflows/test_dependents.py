from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.transaction import atomic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import NewEffect, behind, claim, create, gather, perform, schedule, skip
from engine.models import Effect
from engine.registry import follow_ups, kinds
from tests.factories import PaymentFactory, StaffFactory
from tests.toy.effects import greet, log_remotely
from tests.toy.models import Door
from workflows.mail.notifications import mail_approval
from workflows.reporting.waiting import LEADS_TO, UNTIL_THEN, work_blocked_by

pytestmark = pytest.mark.django_db


def claimable() -> set[UUID]:
    """Whatever a worker could take now, one by one; nothing is taken."""
    found = set()
    for key in Effect.objects.filter(state="ready").values_list("pk", flat=True):
        with atomic():
            found |= {effect.pk for effect in claim.claim_named([key])}
            connection.set_rollback(True)
    return found


ROW = st.tuples(
    st.sampled_from([0, 0, 0, 1]),  # of which door
    st.integers(1, 4),  # seq
    st.sampled_from(["ready", "ready", "waiting", "dead", "uncertain", "done", "skipped", "leased"]),
    st.sampled_from([True, True, True, False]),  # ordered
    st.booleans(),  # in the batch
)


@settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(ROW, min_size=4, max_size=8), chosen=st.integers(0, 7), then_ordered=st.booleans())
def test_effects_released_by_a_skip_are_those_a_worker_could_claim(rows, chosen, then_ordered):
    with atomic():
        operator = StaffFactory(is_superuser=True)
        doors = [Door(), Door()]
        for door in doors:
            create(door)
        Effect.objects.all().update(state="done")
        effects = [row_of(doors[door], seq, state, ordered, n) for n, (door, seq, state, ordered, _) in enumerate(rows)]
        members = [effect.pk for effect, row in zip(effects, rows, strict=True) if row[4]]
        handler: Any = log_remotely if then_ordered else greet
        gather(members, then=NewEffect(handler, "then", about=doors[0]))
        Effect.objects.filter(key="then").update(seq=3)
        effect = effects[chosen % len(effects)]
        Effect.objects.filter(pk=effect.pk, state__in=["ready", "leased"]).update(state="dead", last_error="no")
        Effect.objects.filter(pk=effect.pk, state="waiting").update(fence=1)
        effect.refresh_from_db()
        before, waits = claimable(), behind(effect)
        if effect.state in Effect.FINISHED:
            assert waits.released == []
        else:
            skip(effect, by=operator, reason="to see")
            assert {row.pk for row in waits.released} == claimable() - before - {effect.pk}
        connection.set_rollback(True)


def row_of(door: Door, seq: int, state: str, ordered: bool, n: int) -> Effect:
    handler: Any = log_remotely if ordered else greet
    return Effect.objects.create(
        machine="door",
        object_id=door.pk,
        seq=seq,
        key=f"row:{n}",
        kind=handler.kind.name,
        lane="outward",
        ordered=ordered,
        state=state,
    )


def test_dependents_are_counted_in_two_queries(django_assert_max_num_queries):
    door = Door()
    create(door)
    first = row_of(door, 2, "dead", True, 0)
    for n in range(1, 41):
        row_of(door, 2 + n, "ready", True, n)
    gather([first.pk, row_of(door, 1, "ready", False, 99).pk], then=NewEffect(greet, "then", about=door))
    first.refresh_from_db()

    with django_assert_max_num_queries(2):
        waits = behind(first)

    assert [effect.seq for effect in waits.released] == [3]
    assert (waits.later, waits.missing) == (39, 2)


def test_effect_that_is_not_ordered_and_of_no_batch_costs_no_query(django_assert_num_queries):
    door = Door()
    create(door)
    effect = row_of(door, 2, "dead", False, 0)

    with django_assert_num_queries(0):
        assert behind(effect) == behind(Effect(state="done", ordered=True))


@pytest.fixture
def approved():
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    return Effect.objects.get(kind="payment.settle", object_id=payment.pk)


def test_settlement_says_what_it_keeps_waiting(approved, run_effects):
    Effect.objects.filter(pk=approved.pk).update(state="dead", last_error="no")
    approved.refresh_from_db()

    waits, says = work_blocked_by(approved)

    number = PaymentFactory._meta.model.objects.get().invoice.number
    assert waits.released == []
    assert says[:5] == [
        "The money is accepted and has paid for nothing yet.",
        "The payment is approved.",
        f"Invoice {number} waits for this payment's settlement: it is pending.",
        "So does the subscription: it is pending payment.",
        "1 mail follows when it is done.",
    ]
    assert says[5].startswith("Timers of the same payment do not wait for it: payment.escalate (")
    skip_all(approved)
    assert work_blocked_by(approved) == (behind(approved), [])


def skip_all(effect: Effect) -> None:
    skip(effect, by=StaffFactory(is_superuser=True), reason="to see")
    effect.refresh_from_db()


def test_member_of_a_batch_says_what_follows_it(approved):
    other = PaymentFactory(reference_key="2")
    mail = schedule(mail_approval, key="mail", about=other)
    gather([approved.pk, mail], then=NewEffect(greet, "approved:1"))
    effect = Effect.objects.get(pk=mail)

    _, says = work_blocked_by(effect)
    assert says[0] == "This mail has not gone out."
    assert "toy.greet waits for it and for 1 other of its batch (approved:1)." in says

    Effect.objects.filter(pk=approved.pk).update(state="skipped")
    waits, says = work_blocked_by(effect)
    assert "toy.greet waits for it alone (approved:1)." in says
    assert [row.key for row in waits.released] == ["approved:1"]


def test_ordered_one_says_how_many_are_behind_it():
    door = Door()
    create(door)
    first = row_of(door, 2, "dead", True, 0)
    for n in range(1, 4):
        row_of(door, 2 + n, "ready", True, n)

    _, says = work_blocked_by(first)

    assert says == [
        "The door is shut.",
        "3 effects of the same object may not run before it, 1 of them as soon as it is done or skipped.",
    ]


def test_mail_in_doubt_and_a_timer_before_its_day(approved):
    effect = Effect.objects.get(pk=schedule(mail_approval, key="mail", about=PaymentFactory(reference_key="2")))
    effect.state = "uncertain"
    assert work_blocked_by(effect)[1][0] == "Nobody knows whether this mail went out."

    early = Effect.objects.get(kind="payment.escalate", object_id=approved.object_id)
    assert (early.state, work_blocked_by(early)[1]) == ("waiting", [])


def test_object_that_is_gone_is_said():
    effect = Effect(kind="payment.settle", machine="payment", object_id=UUID(int=1), state="dead")

    assert "Its payment is gone." in work_blocked_by(effect)[1]


def test_every_kind_says_what_is_not_so_until_it_is_done():
    inside = {
        name for name, kind in kinds.items() if not name.startswith(("mail.", "toy.", "task")) and not kind.external
    }

    assert set(UNTIL_THEN) == inside
    assert set(LEADS_TO) <= inside
    assert {edge for edge in LEADS_TO.values() if edge not in follow_ups} == set()
