from __future__ import annotations

import pytest

from engine import NewEffect, gather, perform, skip
from engine.models import Effect, EffectEvent
from tests.api.conftest import Caller, is_problem
from tests.factories import MembershipFactory, OperatorFactory, PaymentFactory, StaffFactory, UserFactory
from workflows.mail.notifications import mail_trial_start

pytestmark = pytest.mark.django_db

MISSING = "01900000-0000-7000-8000-000000000000"
READS = [
    "workflows/machines/",
    "workflows/transitions/",
    "workflows/batches/",
    "workflows/effects/",
    f"workflows/effects/{MISSING}/",
]
WRITES = [
    "workflows/effects/bulk-retry/",
    f"workflows/effects/{MISSING}/retry/",
    f"workflows/effects/{MISSING}/skip/",
]


@pytest.fixture
def person():
    return OperatorFactory()


@pytest.fixture
def operator(person):
    return Caller(person)


@pytest.fixture
def settled(run_effects):
    payment = PaymentFactory()
    staff = StaffFactory()
    perform(payment.approve, by=staff)
    run_effects()
    return payment, staff


def make_dead(count=1, **change):
    effects = list(Effect.objects.filter(state="ready").order_by("id")[:count])
    assert len(effects) == count
    fields = {"state": "dead", "attempts": 3, "fence": 3, "last_error": "ValueError: no", **change}
    Effect.objects.filter(pk__in=[effect.pk for effect in effects]).update(**fields)
    return Effect.objects.filter(pk__in=[effect.pk for effect in effects]).order_by("id")


@pytest.mark.parametrize("path", READS)
def test_only_operators_look(anybody, path):
    assert is_problem(anybody.get(path), 401, "authentication-required")
    for user in (UserFactory(), StaffFactory(), MembershipFactory().user):
        assert is_problem(Caller(user).get(path), 403, "permission-denied")


@pytest.mark.parametrize("path", WRITES)
def test_only_operators_act(anybody, digest, path):
    customer, staff = Caller(MembershipFactory().user), Caller(StaffFactory())
    before = digest()

    assert is_problem(anybody.post(path, {"reason": "x"}), 401, "authentication-required")
    assert is_problem(customer.post(path, {"reason": "x"}), 403, "permission-denied")
    assert is_problem(staff.post(path, {"reason": "x"}), 403, "permission-denied")

    assert digest() == before


def test_a_superuser_may_operate():
    assert Caller(UserFactory(is_superuser=True)).get("workflows/effects/").status_code == 200


def test_the_machines_are_told_with_their_edges_and_what_follows(operator):
    machines = {row["name"]: row for row in operator.get("workflows/machines/").json()["results"]}

    payment = machines["payment"]
    assert payment["births"] == ["pending_approval"]
    assert {"approved", "succeeded", "failed"} <= set(payment["states"])
    assert {"name": "approve", "source": "pending_approval", "target": "approved"} in payment["edges"]
    assert {"transition": "approve", "kind": "payment.settle", "to": None, "after": 0} in payment["followers"]
    assert {"transition": "begin", "kind": "mail.trial_started", "to": "trial", "after": 0} in machines["account"][
        "followers"
    ]


def test_the_machines_are_drawn(operator):
    every, one = (operator.get(f"workflows/machines/?format=mermaid{more}") for more in ("", "&machine=payment"))

    assert every["Content-Type"] == "text/vnd.mermaid; charset=utf-8"
    assert every.content.decode().startswith("stateDiagram-v2\n    state ")
    assert "        payment_pending_approval --> payment_approved: approve\n" in every.content.decode()
    assert "    pending_approval --> approved: approve\n" in one.content.decode()


def test_transitions_are_listed_newest_first_page_by_page(operator, settled):
    first = operator.get("workflows/transitions/?page_size=2").json()

    assert len(first["results"]) == 2
    assert first["previous"] is None
    second = operator.client.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4


def test_transitions_are_found_by_object_name_and_actor(operator, settled):
    payment, staff = settled

    def names(query):
        return [row["name"] for row in operator.get(f"workflows/transitions/?{query}").json()["results"]]

    assert names(f"object_id={payment.pk}") == ["settle", "approve", "begin"]
    assert names(f"machine=payment&object_id={payment.pk}&name=approve") == ["approve"]
    assert names(f"actor={staff.pk}") == ["approve"]
    assert names("machine=subscription&name=activate") == ["activate"]


def test_effects_are_found_by_state_kind_lane_object_and_account(operator, settled):
    payment, _ = settled

    def kinds(query):
        return {row["kind"] for row in operator.get(f"workflows/effects/?{query}").json()["results"]}

    about_it = {"payment.settle", "payment.tell_reviewers", "mail.payment_submitted", "mail.payment_approved"}
    assert about_it | {"mail.invoice_issued"} <= kinds("state=done") < kinds("")
    assert kinds("") == kinds(f"account_id={payment.account_id}")
    assert kinds("state=dead") == set()
    assert kinds("kind=payment.settle") == {"payment.settle"} < kinds("lane=inward")
    assert kinds(f"object_id={payment.pk}") == about_it | {"payment.escalate"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("effects/?stat=dead", "stat"),
        ("effects/?state=late", "state"),
        ("effects/?state=", "state"),
        ("effects/?state=dead&state=done", "state"),
        ("effects/?object_id=1", "object_id"),
        ("effects/?page_size=0", "page_size"),
        ("effects/?page_size=101", "page_size"),
        ("effects/?page_size=1e1", "page_size"),
        ("effects/?page_size=%D9%A1", "page_size"),
        ("effects/?ordering=kind", "ordering"),
        ("effects/?batch_id=1", "batch_id"),
        ("batches/?state=late", "state"),
        ("effects/?cursor=x", "cursor"),
        ("effects/?cursor=cD1hYmM%3D", "cursor"),  # p=abc
        ("effects/?cursor=cD0lMDA%3D", "cursor"),  # p=%00
        ("transitions/?machine=toaster", "machine"),
        ("transitions/?actor=me", "actor"),
        ("transitions/?state=dead", "state"),
        ("machines/?format=xml", "format"),
        ("machines/?machine=toaster", "machine"),
        ("machines/?page_size=5", "page_size"),
        (f"effects/{MISSING}/?verbose=1", "verbose"),
    ],
)
def test_invalid_filter_is_refused(operator, path, field):
    answer = operator.get(f"workflows/{path}")

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]


def test_the_story_of_an_effect_leads_back_to_a_person(operator, settled):
    _, staff = settled
    mail = Effect.objects.get(kind="mail.payment_approved")

    story = operator.get(f"workflows/effects/{mail.pk}/").json()

    assert [cause["name"] for cause in story["causes"]] == ["settle", "approve"]
    assert story["causes"][-1]["actor_id"] == str(staff.pk)
    assert (story["state"], story["attempts"], story["events"], story["available"]) == ("done", 1, [], [])
    assert story["outcome"]["message_id"]
    assert story["took"] >= 0


def test_batches_say_how_far_they_are(operator, person, django_assert_max_num_queries):
    PaymentFactory()
    [effect] = make_dead()
    batch = gather([effect.pk], then=NewEffect(mail_trial_start, "renewals:2026-12-01"))

    with django_assert_max_num_queries(6):
        [row] = operator.get("workflows/batches/").json()["results"]
    assert {name: row[name] for name in ("id", "key", "total", "done", "skipped", "stuck", "completed_at", "note")} == {
        "id": str(batch.pk),
        "key": "renewals:2026-12-01",
        "total": 1,
        "done": 0,
        "skipped": 0,
        "stuck": 1,
        "completed_at": None,
        "note": "",
    }
    [member] = operator.get(f"workflows/effects/?batch_id={batch.pk}").json()["results"]
    assert member["id"] == str(effect.pk)
    assert operator.get(f"workflows/effects/{effect.pk}/").json()["batch_id"] == str(batch.pk)
    assert operator.get("workflows/batches/?state=complete").json()["results"] == []
    waits = operator.get(f"workflows/effects/{effect.pk}/").json()["waits"]
    assert (waits["released"], waits["later"], waits["missing"]) == ([row["then_id"]], 0, 1)
    assert "mail.trial_started waits for it alone (renewals:2026-12-01)." in waits["says"]

    skip(effect, by=person, reason="never mind")

    [row] = operator.get("workflows/batches/?state=complete").json()["results"]
    assert (row["skipped"], row["stuck"], row["completed_at"] is not None) == (1, 0, True)
    assert operator.get("workflows/batches/?state=open").json()["results"] == []
    assert Effect.objects.get(pk=row["then_id"]).state == "ready"


def test_a_story_costs_the_same_however_long_it_is(operator, settled, django_assert_max_num_queries):
    mail = Effect.objects.get(kind="mail.payment_approved")
    for n in range(20):
        EffectEvent.objects.create(effect=mail, what="failed", detail=str(n))

    with django_assert_max_num_queries(8):
        assert len(operator.get(f"workflows/effects/{mail.pk}/").json()["events"]) == 20
    with django_assert_max_num_queries(5):
        operator.get("workflows/effects/")


def test_a_dead_effect_is_tried_again(operator, person, run_effects):
    PaymentFactory()
    [effect] = make_dead()
    assert operator.get("workflows/effects/?state=dead").json()["results"][0]["available"] == ["retry", "skip"]

    answer = operator.post(f"workflows/effects/{effect.pk}/retry/", {"reason": "the bank is back"})

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["attempts"]) == ("ready", 0)
    [event] = answer.json()["events"]
    assert (event["what"], event["detail"], event["actor_id"]) == ("retried", "the bank is back", str(person.pk))
    run_effects()
    effect.refresh_from_db()
    assert effect.state == "done"


def test_an_edited_payload_keeps_the_old_one_in_the_story(operator):
    PaymentFactory()
    [effect] = make_dead(payload={"to": "old"})

    answer = operator.post(f"workflows/effects/{effect.pk}/retry/", {"payload": {"to": "new"}})

    assert answer.json()["payload"] == {"to": "new"}
    assert [(event["what"], event["payload"]) for event in answer.json()["events"]] == [("edited", {"to": "old"})]


def test_an_effect_is_skipped_for_a_reason(operator):
    PaymentFactory()
    [effect] = make_dead()

    assert is_problem(operator.post(f"workflows/effects/{effect.pk}/skip/"), 400, "validation-error")
    answer = operator.post(f"workflows/effects/{effect.pk}/skip/", {"reason": "told them by phone"})

    assert (answer.json()["state"], answer.json()["available"]) == ("skipped", [])


@pytest.mark.parametrize("verb", ["retry", "skip"])
def test_done_effect_is_not_retried(operator, settled, verb):
    effect = Effect.objects.filter(state="done").first()

    answer = operator.post(f"workflows/effects/{effect.pk}/{verb}/", {"reason": "x"})

    assert is_problem(answer, 409, "wrong-state")
    assert answer.json()["object_status"] == "done"


@pytest.mark.parametrize("verb", ["retry", "skip"])
def test_a_missing_effect_is_not_found(operator, verb):
    assert is_problem(operator.post(f"workflows/effects/{MISSING}/{verb}/", {"reason": "x"}), 404, "not-found")


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("retry", {"payload": []}, "payload"),
        ("retry", {"payload": None}, "payload"),
        ("retry", {"payload": {"x": "y" * 70_000}}, "payload"),
        ("retry", {"reason": 5}, "reason"),
        ("retry", {"state": "done"}, "state"),
        ("skip", {"reason": ""}, "reason"),
        ("skip", {"reason": "x", "payload": {}}, "payload"),
    ],
)
def test_bad_input_changes_no_effect(operator, digest, verb, body, field):
    PaymentFactory()
    [effect] = make_dead()
    before = digest()

    answer = operator.post(f"workflows/effects/{effect.pk}/{verb}/", body)

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert digest() == before


def test_a_bulk_retry_is_counted_first(operator, digest):
    PaymentFactory(), PaymentFactory(reference_key="2")
    make_dead(3)
    before = digest()

    assert operator.post("workflows/effects/bulk-retry/", {"dry_run": True}).json() == {"matched": 3, "retried": 0}
    assert digest() == before
    assert operator.post("workflows/effects/bulk-retry/").json() == {"matched": 3, "retried": 3}
    assert EffectEvent.objects.filter(what="retried").count() == 3


def test_a_bulk_retry_takes_one_kind_or_another_state(operator):
    PaymentFactory()
    make_dead(1, kind="one")
    make_dead(1, kind="two", state="uncertain")

    def matched(**body):
        return operator.post("workflows/effects/bulk-retry/", {"dry_run": True, **body}).json()["matched"]

    assert matched() == matched(kind="one") == matched(state="uncertain") == matched(kind="two", state="uncertain") == 1
    assert matched(kind="two") == matched(state="waiting") == 0


def test_a_bulk_retry_leaves_timers_alone(operator):
    PaymentFactory()
    make_dead(1, state="waiting", fence=0)
    make_dead(1, state="waiting", fence=1)

    assert operator.post("workflows/effects/bulk-retry/", {"state": "waiting"}).json()["retried"] == 1


@pytest.mark.parametrize("body", [{"dry_run": "yes"}, {"state": "done"}, {"kind": ""}, {"ids": []}, {"dry_run": 1}])
def test_a_bulk_retry_of_nonsense_is_refused(operator, body):
    assert is_problem(operator.post("workflows/effects/bulk-retry/", body), 400, "validation-error")
