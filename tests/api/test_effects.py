from __future__ import annotations

import pytest

from engine.models import Effect, EffectEvent
from tests.api.conftest import is_problem
from tests.api.scenario import make_dead
from tests.factories import PaymentFactory

pytestmark = pytest.mark.django_db

MISSING = "01900000-0000-7000-8000-000000000000"


@pytest.mark.happy("GET workflows/effects/")
def test_effects_are_found_by_state_kind_lane_object_and_account(operator, settled):
    payment, _ = settled

    def kinds(query):
        return {row["kind"] for row in operator.get(f"workflows/effects/?{query}").json()["results"]}

    about_it = {"payment.settle", "payment.tell_reviewers", "mail.payment_submitted", "mail.payment_approved"}
    about_it |= {"document.write_receipt"}
    assert about_it | {"mail.invoice_issued"} <= kinds("state=done") < kinds("")
    assert kinds("") == kinds(f"account_id={payment.account_id}")
    assert kinds("state=dead") == set()
    assert kinds("kind=payment.settle") == {"payment.settle"} < kinds("lane=inward")
    assert kinds(f"object_id={payment.pk}") == about_it | {"payment.escalate"}


@pytest.mark.happy("GET workflows/effects/{id}/")
def test_the_story_of_an_effect_leads_back_to_a_person(operator, settled):
    _, staff = settled
    mail = Effect.objects.get(kind="mail.payment_approved")

    story = operator.get(f"workflows/effects/{mail.pk}/").json()

    assert [cause["name"] for cause in story["causes"]] == ["settle", "approve"]
    assert story["causes"][-1]["actor_id"] == str(staff.pk)
    assert (story["state"], story["attempts"], story["events"], story["available"]) == ("done", 1, [], [])
    assert story["outcome"]["message_id"]
    assert story["took"] >= 0


@pytest.mark.happy("POST workflows/effects/{id}/retry/")
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


@pytest.mark.happy("POST workflows/effects/{id}/skip/")
def test_an_effect_is_skipped_for_a_reason(operator):
    PaymentFactory()
    [effect] = make_dead()

    assert is_problem(operator.post(f"workflows/effects/{effect.pk}/skip/"), 400, "validation-error")
    answer = operator.post(f"workflows/effects/{effect.pk}/skip/", {"reason": "told them by phone"})

    assert (answer.json()["state"], answer.json()["available"]) == ("skipped", [])


@pytest.mark.happy("POST workflows/effects/bulk-retry/")
def test_a_bulk_retry_is_counted_first(operator, digest):
    PaymentFactory(), PaymentFactory(reference_key="2")
    make_dead(3)
    before = digest()

    assert operator.post("workflows/effects/bulk-retry/", {"dry_run": True}).json() == {"matched": 3, "retried": 0}
    assert digest() == before
    assert operator.post("workflows/effects/bulk-retry/").json() == {"matched": 3, "retried": 3}
    assert EffectEvent.objects.filter(what="retried").count() == 3


def test_a_story_costs_the_same_however_long_it_is(operator, settled, django_assert_max_num_queries):
    mail = Effect.objects.get(kind="mail.payment_approved")
    for n in range(20):
        EffectEvent.objects.create(effect=mail, what="failed", detail=str(n))

    with django_assert_max_num_queries(8):
        assert len(operator.get(f"workflows/effects/{mail.pk}/").json()["events"]) == 20
    with django_assert_max_num_queries(5):
        operator.get("workflows/effects/")


def test_an_edited_payload_keeps_the_old_one_in_the_story(operator):
    PaymentFactory()
    [effect] = make_dead(payload={"to": "old"})

    answer = operator.post(f"workflows/effects/{effect.pk}/retry/", {"payload": {"to": "new"}})

    assert answer.json()["payload"] == {"to": "new"}
    assert [(event["what"], event["payload"]) for event in answer.json()["events"]] == [("edited", {"to": "old"})]


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
