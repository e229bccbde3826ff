from __future__ import annotations

import dataclasses
import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from core.models import Payment
from core.problems import Conflict, WrongState
from engine import (
    NewEffect,
    RemoteUnavailable,
    claim,
    lease,
    perform,
    retry,
    retry_many,
    run_due,
    schedule,
    schedule_many,
    skip,
    sweep,
)
from engine import registry as engine_registry
from engine.executor import _execute_all
from engine.models import CircuitBreaker, Effect, EffectEvent
from engine.payload import InvalidPayload
from engine.pipeline import ask
from tests.factories import AccountFactory, InvoiceFactory, PaymentFactory, StaffFactory, scheduled_mail
from workflows.mail.notifications import mail_trial_start

pytestmark = pytest.mark.django_db

GONE = 2**30  # a database session that never was


@pytest.fixture
def handler(monkeypatch):
    """Let a function stand in for the handler of a kind, or change how the kind is handled."""

    def stand_in(kind, **changes):
        known = engine_registry.kinds[kind]
        monkeypatch.setitem(engine_registry.kinds, kind, dataclasses.replace(known, **changes))

    return stand_in


@pytest.fixture
def approved(run_effects):
    def make(count=1):
        payments = [PaymentFactory(reference_key=str(n)) for n in range(count)]
        run_effects()
        for payment in payments:
            perform(payment.approve, by=StaffFactory())
        return payments

    return make


def settlements():
    return Effect.objects.filter(kind="payment.settle")


def raises(error):
    def run(*_):
        raise error

    return run


def story(effect):
    return list(effect.events.order_by("id").values_list("what", flat=True))


def test_an_effect_that_fails_waits_and_keeps_its_error(handler, approved):
    handler("payment.settle", run=raises(RuntimeError("the disk is full")))
    approved()

    run_due()

    effect = settlements().get()
    assert (effect.state, effect.attempts) == ("waiting", 1)
    assert effect.last_error == "RuntimeError: the disk is full"
    assert story(effect) == ["failed"]
    assert run_due() == 0


def test_a_waiting_effect_is_woken_when_it_is_due(handler, approved, run_effects):
    handler("payment.settle", run=raises(RuntimeError))
    approved()
    run_due()
    assert run_due() == 0

    settlements().update(run_at=Now() - timedelta(minutes=1))  # now() of a test is when its transaction began
    assert sweep() == [[settlements().get().pk]]
    run_due()

    assert settlements().get().attempts == 2


def test_solo_effect_is_notified_alone_when_due(handler, approved):
    approved(2)
    settlements().update(state="waiting", run_at=Now() - timedelta(minutes=1))
    alone, other = settlements().order_by("pk")
    Effect.objects.filter(pk=alone.pk).update(solo=True)

    assert sweep() == [[alone.pk], [other.pk]]


def test_failed_handler_is_rolled_back(handler, approved):
    def half(payments, effects):
        Payment.objects.update(notes="half done")
        raise RuntimeError

    handler("payment.settle", run=half)
    approved()

    run_due()

    assert Payment.objects.get().notes == ""


def test_one_bad_row_of_a_batch_fails_alone_in_the_same_run(handler, approved):
    payments = approved(9)

    def picky(ids, effects):
        for pk in ids:
            if pk == payments[4].pk:
                raise RuntimeError("this one")
            Payment.objects.filter(pk=pk).update(notes="done")

    handler("payment.settle", run=picky)

    run_due()

    assert sorted(settlements().values_list("state", flat=True)) == ["done"] * 8 + ["waiting"]
    assert Payment.objects.filter(notes="done").count() == 8
    assert settlements().get(state="waiting").object_id == payments[4].pk


def test_a_problem_is_final_and_alerts_once(handler, approved):
    handler("payment.settle", run=raises(Conflict("No.")))
    approved(3)

    run_due()

    assert set(settlements().values_list("state", flat=True)) == {"dead"}
    assert Effect.objects.filter(kind="mail.effects_dead").count() == 1


def test_the_last_attempt_is_the_last(handler, approved):
    handler("payment.settle", run=raises(RuntimeError))
    approved()
    settlements().update(attempts=11)

    run_due()

    assert settlements().get().state == "dead"


def test_a_day_is_the_longest_that_an_effect_is_tried(handler, approved):
    handler("payment.settle", run=raises(RuntimeError))
    approved()
    settlements().update(failing_since=Now() - timedelta(hours=25))

    run_due()

    assert settlements().get().state == "dead"


def test_an_effect_is_claimed_once(approved):
    approved()

    assert len(claim.claim_fair_share("inward", 10)) == 1
    assert claim.claim_fair_share("inward", 10) == []


@pytest.mark.parametrize("change", [{"kind": "payment.from_the_future"}, {"revision": 9}])
def test_unknown_effect_kind_is_left_for_a_newer_worker(approved, change):
    approved()
    settlements().update(**change)

    assert run_due() == 0
    assert Effect.objects.get(**change).state == "ready"


def test_notification_for_a_done_effect_is_harmless(approved, run_effects):
    approved()
    effect_id = settlements().get().pk
    run_effects()

    assert run_due([effect_id]) == 0


def test_a_lease_that_ran_out_is_taken_back_and_the_late_finisher_is_fenced(handler, approved):
    approved()
    seen = []

    def note(payments, effects):
        seen.append(effects[0].fence)
        Payment.objects.update(notes=f"by {effects[0].fence}")

    handler("payment.settle", run=note)
    mine = claim.claim_fair_share("inward", 10)
    settlements().update(lease_until=Now() - timedelta(minutes=1))

    for ids in sweep():
        run_due(ids)
    _execute_all(mine)  # the first holder wakes up

    effect = settlements().get()
    assert (effect.state, effect.fence, effect.crashes, effect.attempts) == ("done", 2, 0, 1)
    assert seen == [2]
    assert Payment.objects.get().notes == "by 2"


def test_a_holder_whose_session_is_gone_loses_its_lease_at_once(approved):
    approved()
    claim.claim_fair_share("inward", 10)
    assert sweep() == []

    settlements().update(lease_pid=GONE)

    effect = settlements().get()
    assert sweep() == [[effect.pk]]
    effect.refresh_from_db()
    assert (effect.state, effect.solo, effect.crashes) == ("ready", True, 0)
    assert story(effect) == ["crashed"]


def test_behind_a_pooler_a_lease_names_no_session_and_only_time_takes_it_back(approved, monkeypatch):
    approved()
    monkeypatch.setattr(claim, "session_pid", lambda: GONE)  # a pooler tells a number of its own
    claim.claim_fair_share("inward", 10)

    assert settlements().get().lease_pid is None
    assert sweep() == []

    settlements().update(lease_until=Now() - timedelta(minutes=1))
    assert sweep() == [[settlements().get().pk]]


def test_worker_of_one_lane_leaves_other_lanes_alone(approved):
    approved()
    inward = settlements().get()
    scheduled_mail()
    outward = Effect.objects.get(lane="outward", state="ready")

    assert run_due([inward.pk], of=["outward"]) == 0
    assert run_due(of=["outward"]) == 1

    assert Effect.objects.get(pk=outward.pk).state == "done"
    assert settlements().get().state == "ready"
    assert run_due([inward.pk], of=["inward"]) == 1


def test_effect_that_crashes_alone_three_times_is_dead(approved, run_effects):
    payments = approved(4)
    culprit = settlements().get(object_id=payments[1].pk)
    claim.claim_fair_share("inward", 10)
    settlements().update(lease_pid=GONE)  # the batch died, nobody knows of what

    for _ in range(5):
        for ids in sweep():
            assert len(ids) == 1
            if ids == [culprit.pk]:
                claim.claim_named(ids)
                settlements().filter(pk=culprit.pk).update(lease_pid=GONE)
            else:
                run_due(ids)

    culprit.refresh_from_db()
    assert (culprit.state, culprit.crashes) == ("dead", 3)
    assert set(settlements().exclude(pk=culprit.pk).values_list("state", "crashes")) == {("done", 0)}


def test_a_handler_that_hangs_is_interrupted(handler, approved):
    def hang(payments, effects):
        while True:
            pass

    handler("payment.settle", run=hang, timeout=timedelta(seconds=0.2))
    approved()

    run_due()

    assert settlements().get().last_error.endswith("TimedOut: not finished after 0 s")


def test_a_batch_that_hangs_comes_back_one_by_one_and_uncharged(handler, approved):
    def hang(payments, effects):
        while True:
            pass

    handler("payment.settle", run=hang, timeout=timedelta(seconds=0.2))
    approved(3)

    run_due()

    assert set(settlements().values_list("state", "solo", "attempts")) == {("ready", True, 0)}


def test_a_mail_server_that_is_down_pauses_mails_and_costs_them_no_attempt(handler):
    handler("mail.trial_started", run=raises(RemoteUnavailable("refused")))
    for _ in range(6):
        AccountFactory(status="trial")

    for _ in range(lease.FAILURES_TO_OPEN):
        run_due()
        Effect.objects.filter(kind="mail.trial_started").update(state="ready")

    assert CircuitBreaker.objects.get().failures == lease.FAILURES_TO_OPEN
    mails = Effect.objects.filter(kind="mail.trial_started")
    assert set(mails.values_list("attempts", flat=True)) == {0}
    calls = []
    handler("mail.trial_started", run=lambda *_: calls.append(1))
    run_due()
    assert calls == []
    assert set(mails.values_list("state", flat=True)) == {"waiting"}


def test_the_first_mail_that_gets_through_ends_the_pause(handler, mailoutbox):
    AccountFactory(status="trial")
    CircuitBreaker.objects.create(kind="mail.trial_started", failures=9, paused_until=Now() - timedelta(minutes=1))

    run_due()

    assert len(mailoutbox) == 1
    assert not CircuitBreaker.objects.exists()


def test_a_call_whose_outcome_is_unknown_is_parked_and_not_repeated(handler):
    handler("mail.trial_started", run=raises(TimeoutError("no answer")), idempotent=False)
    AccountFactory(status="trial")

    run_due()

    effect = Effect.objects.get(kind="mail.trial_started")
    assert (effect.state, effect.last_error) == ("uncertain", "TimeoutError: no answer")
    assert story(effect) == ["uncertain"]
    assert sweep() == []


def test_crash_during_a_call_without_a_key_parks_the_effect(handler):
    handler("mail.trial_started", run=raises(SystemExit), idempotent=False)
    AccountFactory(status="trial")

    with pytest.raises(SystemExit):
        run_due()

    assert Effect.objects.get(kind="mail.trial_started").state == "uncertain"


def test_call_without_a_key_that_succeeds_is_done(handler):
    handler("mail.trial_started", run=lambda *_: {"sent": True}, idempotent=False)
    AccountFactory(status="trial")

    run_due()

    effect = Effect.objects.get(kind="mail.trial_started")
    assert (effect.state, effect.outcome) == ("done", {"sent": True})


def test_ordered_effects_of_an_object_wait_for_the_earlier_ones(run_effects):
    invoice = InvoiceFactory()
    run_effects()
    perform(invoice.pay, amount=1)
    perform(invoice.pay, amount=1)
    Effect.objects.filter(kind="mail.payment_partial").update(ordered=True)
    first, second = Effect.objects.filter(kind="mail.payment_partial").order_by("seq")

    assert [effect.pk for effect in claim.claim_fair_share("outward", 10)] == [first.pk]
    assert claim.claim_named([second.pk]) == []
    Effect.objects.filter(pk=first.pk).update(state="done")
    assert [effect.pk for effect in claim.claim_fair_share("outward", 10)] == [second.pk]


def test_a_tenant_with_many_effects_leaves_room_for_the_others():
    flood, *others = [AccountFactory(status="trial") for _ in range(5)]
    for n in range(300):
        schedule(engine_registry.kinds["mail.trial_started"].run, key=f"flood:{n}", about=flood)
    by_account = dict.fromkeys([flood.pk, *(other.pk for other in others)], 0)

    for effect in claim.claim_fair_share("outward", 50):
        by_account[effect.account_id] += 1

    assert by_account.pop(flood.pk) == 10
    assert set(by_account.values()) == {1}


def test_claims_go_round_all_tenants():
    accounts = [AccountFactory(status="trial") for _ in range(7)]

    claimed = [effect.account_id for _ in range(4) for effect in claim.claim_fair_share("outward", 2)]

    assert sorted(claimed) == sorted(account.pk for account in accounts)


def test_effect_is_scheduled_once_for_its_key(run_effects, mailoutbox):
    account = AccountFactory()
    remind = engine_registry.kinds["mail.trial_started"].run

    first = schedule(remind, key="reminder:1", about=account)
    again = schedule(remind, key="reminder:1", about=account)

    assert first is not None
    assert again is None
    run_effects()
    assert len(mailoutbox) == 1


def test_effect_may_be_due_later(run_effects):
    account = AccountFactory()
    schedule(engine_registry.kinds["mail.trial_started"].run, key="later", about=account, after=timedelta(days=7))

    assert run_effects() == 0
    Effect.objects.update(run_at=F("run_at") - timedelta(days=7))
    assert run_effects() == 1


@pytest.mark.parametrize(
    "payload", [{"x": "y" * 70_000}, {"x": "\x00"}, {"x": object()}, {"x": "\ud800"}, {"x": float("nan")}]
)
def test_a_payload_that_cannot_be_kept_is_refused_when_it_is_recorded(payload):
    with pytest.raises(InvalidPayload):
        schedule(engine_registry.kinds["mail.trial_started"].run, key="k", payload=payload)

    assert not Effect.objects.exists()


def test_inputs_that_cannot_be_kept_change_nothing():
    payment = PaymentFactory()

    with pytest.raises(InvalidPayload):
        perform(payment.approve, by=StaffFactory(), admin_notes="x" * 70_000)

    payment.refresh_from_db()
    assert payment.status == "pending_approval"


class TestOperators:
    @pytest.fixture
    def operator(self):
        return StaffFactory(is_superuser=True)

    @pytest.fixture
    def dead(self, handler, approved):
        approved()
        settlements().update(state="dead", attempts=12, last_error="x")
        return settlements().get()

    def test_a_dead_effect_is_retried_under_its_key(self, dead, operator, run_effects):
        retry(dead, by=operator, reason="the disk is free again")
        run_effects()

        dead.refresh_from_db()
        assert dead.state == "done"
        event = dead.events.get()
        assert (event.what, event.actor, event.detail) == ("retried", operator, "the disk is free again")

    def test_another_payload_is_kept_beside_the_old_one(self, dead, operator):
        retry(dead, by=operator, payload={"amount": "1.00"})

        dead.refresh_from_db()
        assert dead.payload == {"amount": "1.00"}
        assert (dead.events.get().what, dead.events.get().payload) == ("edited", {})

    def test_a_skipped_effect_is_over(self, dead, operator, run_effects):
        skip(dead, by=operator, reason="settled by hand")

        assert run_effects() == 0
        with pytest.raises(WrongState):
            retry(dead, by=operator)

    def test_many_are_counted_first_and_then_retried(self, dead, operator):
        everything = Effect.objects.all()

        assert retry_many(everything, by=operator, dry_run=True) == 1
        assert settlements().get().state == "dead"
        assert retry_many(everything, by=operator) == 1
        assert settlements().get().state == "ready"
        assert EffectEvent.objects.get().what == "retried"

    def test_a_running_effect_is_left_alone(self, approved, operator):
        approved()
        (effect,) = claim.claim_fair_share("inward", 10)

        with pytest.raises(WrongState):
            retry(effect, by=operator)


def test_outcomes_of_a_quick_far_side_are_written_together(handler, django_assert_max_num_queries):
    mails = [scheduled_mail() for _ in range(20)]
    handler("mail.trial_started", run=lambda _, effect: {"to": str(effect.pk)})

    with django_assert_max_num_queries(8):
        run_due()

    for mail in mails:
        mail.refresh_from_db()
        assert (mail.state, mail.outcome) == ("done", {"to": str(mail.pk)})


def test_outcomes_of_a_slow_far_side_are_written_one_by_one(handler):
    mails = [scheduled_mail() for _ in range(3)]
    written = []

    def slow(_, effect):
        written.append(Effect.objects.filter(pk__in=[mail.pk for mail in mails], state="done").count())
        time.sleep(0.25)
        return {}

    handler("mail.trial_started", run=slow)

    run_due()

    assert written == [0, 1, 2]


def test_only_the_lease_holder_writes_the_outcome_of_a_shared_send(handler):
    lost, kept = scheduled_mail(), scheduled_mail()

    def overtaken(_, effect):
        if effect.pk == lost.pk:  # somebody else takes it over while it is outside
            Effect.objects.filter(pk=lost.pk).update(fence=F("fence") + 1)
        return {"by": "me"}

    handler("mail.trial_started", run=overtaken)

    run_due()

    lost.refresh_from_db()
    kept.refresh_from_db()
    assert (lost.state, lost.outcome) == ("leased", None)
    assert (kept.state, kept.outcome) == ("done", {"by": "me"})


def test_one_that_fails_takes_nothing_from_those_sent_with_it(handler):
    mails = [scheduled_mail() for _ in range(5)]

    def picky(_, effect):
        if effect.pk == mails[2].pk:
            raise RuntimeError("not this one")
        return {}

    handler("mail.trial_started", run=picky)

    run_due()

    states = dict(Effect.objects.filter(kind="mail.trial_started").values_list("pk", "state"))
    assert [states[mail.pk] for mail in mails] == ["done", "done", "waiting", "done", "done"]


def test_many_effects_are_scheduled_in_one_statement(django_assert_num_queries):
    account = AccountFactory()
    schedule(mail_trial_start, key="known", about=account)

    with django_assert_num_queries(1):
        ids = schedule_many([NewEffect(mail_trial_start, key, about=account) for key in ("new", "known", "newer")])

    assert [key is not None for key in ids] == [True, False, True]
    assert set(Effect.objects.filter(pk__in=[key for key in ids if key]).values_list("key", flat=True)) == {
        "new",
        "newer",
    }


def test_an_idle_sweep_is_one_statement(run_effects, django_assert_num_queries):
    run_effects()

    with django_assert_num_queries(1):
        assert sweep() == []


@pytest.fixture
def looking():
    """A process that looked for everything a moment ago and found nothing old."""
    claim._seen_all.clear()
    assert claim.claim_recent(["outward"], 10) == []
    yield
    claim._seen_all.clear()


def told(account, number):
    schedule(engine_registry.kinds["mail.trial_started"].run, key=f"told:{account.pk}:{number}", about=account)


def test_recently_due_effect_is_claimed_at_once(looking):
    account = AccountFactory(status="trial")

    assert [effect.account_id for effect in claim.claim_recent(["outward"], 10)] == [account.pk]
    assert claim.claim_recent(["outward"], 10) == []


def test_each_tenant_gets_a_share_of_a_claim(looking):
    flood, other = AccountFactory(status="trial"), AccountFactory(status="trial")
    for number in range(20):
        told(flood, number)

    claimed = [effect.account_id for effect in claim.claim_recent(["outward"], 10)]

    assert claimed.count(other.pk) == 1
    assert claimed.count(flood.pk) == 5


def test_long_due_effect_is_claimed_within_a_second(looking, monkeypatch):
    account = AccountFactory(status="trial")
    for number in range(4):
        told(account, number)
    Effect.objects.filter(kind="mail.trial_started").update(run_at=Now() - timedelta(minutes=1))
    assert claim.claim_recent(["outward"], 2) == []

    now = time.monotonic()
    monkeypatch.setattr(claim.time, "monotonic", lambda: now + claim.FULL_SCAN_INTERVAL)

    # As long as there is some of it, each look is one for everything.
    assert [len(claim.claim_recent(["outward"], 2)) for _ in range(4)] == [2, 2, 1, 0]


def test_effects_left_by_a_full_claim_are_claimed_next(looking):
    account = AccountFactory(status="trial")
    for number in range(4):
        told(account, number)
    effects = Effect.objects.filter(kind="mail.trial_started", state="ready")
    effects.update(run_at=Now() - timedelta(seconds=1.5))
    claim._seen_all.clear()
    assert len(claim.claim_recent(["outward"], 2)) == 2

    effects.update(run_at=Now() - timedelta(seconds=2.1))

    assert [len(claim.claim_recent(["outward"], 2)) for _ in range(3)] == [2, 1, 0]


def test_scan_of_some_tenants_does_not_count_as_a_full_scan(looking):
    for _ in range(3):
        AccountFactory(status="trial")
    claim._seen_all.clear()
    assert len(claim.claim_recent(["outward"], 2)) == 2

    Effect.objects.filter(kind="mail.trial_started").update(run_at=Now() - timedelta(minutes=1))

    assert [len(claim.claim_recent(["outward"], 2)) for _ in range(2)] == [1, 0]


def test_solo_effect_is_not_claimed_with_others(looking):
    AccountFactory(status="trial")
    Effect.objects.filter(kind="mail.trial_started").update(solo=True)

    assert claim.claim_recent(["outward"], 10) == []


def test_a_walk_goes_along_the_index_of_tenants_and_sorts_nothing(monkeypatch):
    plans = []

    def explain(sql, values, **_):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}", values)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return ask(sql, values)

    monkeypatch.setattr(claim, "ask", explain)

    assert claim.claim_fair_share("inward", 5) == []

    assert set(re.findall(r"using (effect_ready\w*)", plans[0])) == {"effect_ready"}
