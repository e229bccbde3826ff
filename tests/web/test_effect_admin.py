from __future__ import annotations

import json

import pytest
from django.urls import reverse

from engine import perform
from engine.models import CircuitBreaker, Effect, EffectEvent, Transition
from tests.factories import OperatorFactory, PaymentFactory, StaffFactory, scheduled_mail

pytestmark = pytest.mark.django_db

MISSING = "01900000-0000-7000-8000-000000000000"
LIST = reverse("admin:engine_effect_changelist")


@pytest.fixture
def person():
    return OperatorFactory()


@pytest.fixture
def desk(client, person):
    client.force_login(person)
    return client


@pytest.fixture
def mail(run_effects):
    """The last effect of an approval, which follows from two transitions."""
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(email="approver@demo.test"), reason="on the statement")
    run_effects()
    return Effect.objects.get(kind="mail.payment_approved")


@pytest.fixture
def dead():
    def make(count=1, **change):
        for n in range(count):
            scheduled_mail(name=str(n))
        fields = {"state": "dead", "attempts": 12, "fence": 12, "last_error": "OSError: refused", **change}
        Effect.objects.filter(state="ready").update(**fields)
        effects = list(Effect.objects.filter(state=fields["state"]).order_by("id"))
        assert len(effects) == count
        return effects

    return make


def page_of(effect):
    return reverse("admin:engine_effect_change", args=[effect.pk])


def act(desk, verb, effects, **fields):
    chosen = {"action": f"{verb}_selected", "_selected_action": [str(effect.pk) for effect in effects], "index": 0}
    return desk.post(LIST, {**chosen, **fields}, follow=True)


def test_only_operators_see_the_desk(client, mail):
    client.force_login(StaffFactory())

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(mail)).status_code == 403
    assert "effect" not in client.get(reverse("admin:index")).content.decode().lower()


def test_an_effect_reads_as_a_story(desk, mail):
    page = desk.get(page_of(mail)).content.decode()

    told = [
        "payment approve: pending_approval -&gt; approved",
        "by approver@demo.test",
        "on the statement",
        "payment settle: approved -&gt; succeeded",
        "is owed",
        "done, in",
    ]
    places = [page.find(words) for words in told]
    assert -1 not in places
    assert places == sorted(places)
    assert reverse("admin:core_payment_change", args=[mail.object_id]) in page
    assert reverse("admin:engine_transition_change", args=[mail.transition_id]) in page
    assert "message_id" in page
    assert "Retry" not in page


def test_errors_are_part_of_the_history(desk, dead, person):
    [effect] = dead()
    EffectEvent.objects.create(effect=effect, what="failed", detail="OSError: <refused>")
    EffectEvent.objects.create(effect=effect, what="edited", actor=person, detail="typo", payload={"to": "old"})

    page = desk.get(page_of(effect)).content.decode()

    assert "failed: OSError: &lt;refused&gt;" in page
    assert f"edited by {person}: typo" in page
    assert "old" in page
    assert "now: <strong>dead</strong>" in page
    assert 'value="Retry ..."' in page
    assert 'value="Skip ..."' in page


def test_a_page_costs_the_same_however_much_happened(desk, mail, dead, django_assert_max_num_queries):
    for n in range(30):
        EffectEvent.objects.create(effect=mail, what="failed", detail=str(n))
    dead(20)

    with django_assert_max_num_queries(12):
        desk.get(page_of(mail))
    with django_assert_max_num_queries(8):
        assert desk.get(LIST).status_code == 200
    with django_assert_max_num_queries(12):
        desk.get(reverse("admin:engine_transition_change", args=[mail.transition_id]))
    with django_assert_max_num_queries(8):
        desk.get(reverse("admin:engine_transition_changelist"))


@pytest.mark.parametrize("query", ["state=dead", "kind=payment.settle", "lane=inward", f"q={MISSING}"])
def test_effects_are_filtered_by_words_the_code_knows(desk, mail, query):
    assert desk.get(f"{LIST}?{query}").status_code == 200


def test_transitions_show_what_follows(desk, mail):
    names = reverse("admin:engine_transition_changelist")
    assert desk.get(f"{names}?machine=payment&name=approve").content.decode().count("approver@demo.test") == 1

    page = desk.get(reverse("admin:engine_transition_change", args=[mail.transition_id])).content.decode()

    assert page_of(mail) in page
    assert "payment approve: pending_approval -&gt; approved" in page


def test_one_effect_is_tried_again_after_a_reason(desk, dead, person, run_effects):
    [effect] = dead()
    asked = act(desk, "retry", [effect]).content.decode()
    assert "<strong>1 of 1</strong> can be tried again" in asked
    assert Effect.objects.get().state == "dead"

    done = act(desk, "retry", [effect], confirmed="yes", reason="the server is back", payload="{}")

    assert "1 effect will be tried again." in done.content.decode()
    assert [(e.what, e.actor, e.detail) for e in effect.events.all()] == [("retried", person, "the server is back")]
    run_effects()
    assert Effect.objects.get().state == "done"


def test_one_effect_is_tried_again_with_another_payload(desk, dead):
    [effect] = dead(payload={"to": "old"})

    act(desk, "retry", [effect], confirmed="yes", payload=json.dumps({"to": "new"}))

    effect.refresh_from_db()
    assert (effect.state, effect.payload) == ("ready", {"to": "new"})
    assert effect.events.get().payload == {"to": "old"}


@pytest.mark.parametrize("payload", ["[1]", "{", '"x"'])
def test_a_payload_that_is_no_object_is_asked_for_again(desk, dead, payload):
    [effect] = dead()

    assert "errorlist" in act(desk, "retry", [effect], confirmed="yes", payload=payload).content.decode()

    assert Effect.objects.get().state == "dead"


def test_many_are_counted_before_they_are_tried_again(desk, dead, mail):
    effects = dead(3)
    chosen = [*effects, mail]
    assert "<strong>3 of 4</strong>" in act(desk, "retry", chosen).content.decode()
    assert Effect.objects.filter(state="dead").count() == 3

    done = act(desk, "retry", chosen, confirmed="yes")

    assert "3 effects will be tried again." in done.content.decode()
    assert Effect.objects.filter(state="ready").count() == 3


def test_all_that_match_can_be_tried_again_at_once(desk, dead):
    first, *_ = dead(3)

    done = act(desk, "retry", [first], confirmed="yes", select_across="1")

    assert "3 effects will be tried again." in done.content.decode()


def test_skipping_wants_a_reason(desk, dead, person):
    effects = dead(2)
    assert "errorlist" in act(desk, "skip", effects, confirmed="yes").content.decode()
    assert Effect.objects.filter(state="dead").count() == 2

    act(desk, "skip", effects, confirmed="yes", reason="told them by phone")

    assert Effect.objects.filter(state="skipped").count() == 2
    assert {(event.actor, event.detail) for event in EffectEvent.objects.all()} == {(person, "told them by phone")}


def test_history_cannot_be_edited(desk, mail):
    for row in (mail, Transition.objects.first()):
        model = row._meta.model_name
        assert desk.post(reverse(f"admin:engine_{model}_change", args=[row.pk]), {"state": "dead"}).status_code == 403
        assert desk.post(reverse(f"admin:engine_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert desk.get(reverse("admin:engine_effect_add")).status_code == 403


def test_a_breaker_is_closed_by_deleting_it(desk, client):
    CircuitBreaker.objects.create(kind="mail.payment_approved", failures=7)
    assert "mail.payment_approved" in desk.get(reverse("admin:engine_circuitbreaker_changelist")).content.decode()

    desk.post(reverse("admin:engine_circuitbreaker_delete", args=["mail.payment_approved"]), {"post": "yes"})

    assert not CircuitBreaker.objects.exists()
