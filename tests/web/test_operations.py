from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from core.models import Account
from engine import NewEffect, gather, perform, skip
from engine.models import Batch, Effect, EffectEvent, Transition
from engine.stateful import edges_of
from tests.factories import (
    OperatorFactory,
    PaymentFactory,
    StaffFactory,
    UserFactory,
    scheduled_mail,
)
from web.staff.diagram import draw
from workflows.mail.notifications import mail_trial_start
from workflows.reporting.estimated_counts import estimated_counts
from workflows.reporting.history import history_of
from workflows.reporting.review_stats import daily_stats, dead_effects_per_day, oldest_ages
from workflows.reporting.state_diagrams import machine_models, states_of

pytestmark = pytest.mark.django_db

EFFECTS = reverse("effects")
BATCHES = reverse("batches")
MOST_QUERIES = 12
MISSING = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def operator(client):
    person = OperatorFactory()
    client.force_login(person)
    return person


@pytest.fixture
def approved(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(email="approver@demo.test"), reason="on the statement")
    run_effects()
    return payment


@pytest.fixture
def dead():
    def make(count=1, **change):
        for n in range(count):
            scheduled_mail(name=str(n))
        Effect.objects.filter(state="ready").update(
            **{"state": "dead", "attempts": 12, "fence": 12, "last_error": "OSError: <refused>", **change}
        )
        return list(Effect.objects.filter(attempts=12).order_by("id"))

    return make


def page_of(effect):
    return reverse("effect", args=[effect.pk])


def verb(effect, name):
    return reverse("effect_verb", args=[effect.pk, name])


def shown_to_reviewers(payment):
    return [
        reverse("machines"),
        reverse("machine_rows", args=["payment"]) + "?state=succeeded",
        reverse("machine_rows", args=["payment"]) + "?transition=approve",
        reverse("history", args=["payment", payment.pk]),
        reverse("figures"),
    ]


def shown_to_operators(effect):
    return [
        EFFECTS,
        EFFECTS + "?state=dead",
        BATCHES,
        EFFECTS + f"?batch={MISSING}",
        page_of(effect),
        verb(effect, "retry"),
        verb(effect, "skip"),
    ]


def test_operators_see_everything_within_few_queries(client, operator, approved, dead, django_assert_max_num_queries):
    effects = dead(20)
    EffectEvent.objects.bulk_create(EffectEvent(effect=effects[0], what="failed", detail=str(n)) for n in range(20))

    for page in [*shown_to_reviewers(approved), *shown_to_operators(effects[0])]:
        with django_assert_max_num_queries(MOST_QUERIES):
            assert client.get(page).status_code == 200, page


def test_reviewers_see_the_machines_and_not_the_effects(client, approved, dead):
    [effect] = dead()
    client.force_login(StaffFactory())

    assert {client.get(page).status_code for page in shown_to_reviewers(approved)} == {200}
    assert {client.get(page).status_code for page in shown_to_operators(effect)} == {403}
    assert {client.post(verb(effect, name), {"reason": "x"}).status_code for name in ("retry", "skip")} == {403}
    assert client.post(reverse("effects_retry"), {"state": "dead", "confirmed": "yes"}).status_code == 403
    effect.refresh_from_db()
    assert effect.state == "dead"


@pytest.mark.parametrize("who", ["nobody", "customer", "staff"])
def test_other_users_are_refused(client, approved, dead, who):
    [effect] = dead()
    if who != "nobody":
        client.force_login(UserFactory(is_staff=True) if who == "staff" else approved.submitted_by)

    answers = {client.get(page).status_code for page in shown_to_reviewers(approved) + shown_to_operators(effect)}

    assert answers == ({302} if who == "nobody" else {403})


@pytest.mark.parametrize("model", machine_models(), ids=lambda model: model.__name__)
def test_a_drawing_has_every_state_and_every_edge(model):
    diagram = draw(model)

    assert [box.name for box in diagram.boxes] == states_of(model)
    drawn = {(arrow.name, source.name, arrow.target.name) for arrow in diagram.arrows for source in arrow.sources}
    drawn |= {(name, box.name, box.name) for box in diagram.boxes for name in box.stays}
    assert drawn == set(edges_of(model))
    assert all(low.top + low.height < high.top for low, high in zip(diagram.boxes, diagram.boxes[1:], strict=False))
    assert all(0 <= arrow.words_x <= diagram.width for arrow in diagram.arrows)


def test_a_machine_shows_how_many_are_in_each_state(client, operator, approved):
    PaymentFactory(reference_key="X")

    page = client.get(reverse("machines")).content.decode()

    assert 'aria-label="Succeeded: 1"' in page
    assert 'aria-label="Pending approval: 1"' in page
    assert reverse("machine_rows", args=["payment"]) + "?transition=approve" in page


def test_a_large_table_is_not_counted(monkeypatch, django_assert_num_queries):
    from django.db import connection

    from core.models import Payment

    for n in range(40):
        PaymentFactory(reference_key=str(n))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE core_payment")
    monkeypatch.setattr("workflows.reporting.estimated_counts.EXACT_BELOW_BYTES", -1)

    with django_assert_num_queries(1):
        (found,) = estimated_counts((Payment, "status"))

    assert not found.is_exact
    assert found.counts == {"pending_approval": 40}


def test_a_story_leads_from_the_click_to_the_mail(client, operator, approved):
    page = client.get(reverse("history", args=["payment", approved.pk])).content.decode()

    told = [
        "Payment · begin",
        "mail.payment_submitted",
        "Payment · approve",
        "approver@demo.test",
        "payment.settle",
        "Payment · settle",
        "mail.payment_approved",
    ]
    places = [page.find(words) for words in told]
    assert -1 not in places
    assert places == sorted(places)
    assert "Account · activate" in page


def test_history_of_an_invoice_begins_with_the_approval(approved):
    roots = history_of("invoice", approved.invoice_id)

    names = [(root.transition.machine, root.transition.name) for root in roots]
    assert ("payment", "approve") in names
    approve = roots[names.index(("payment", "approve"))]
    assert {step.transition.machine for step in approve.follows} >= {"payment", "invoice", "subscription", "account"}


def test_an_effect_reads_as_a_story_with_its_verbs(client, operator, dead):
    [effect] = dead()

    page = client.get(page_of(effect)).content.decode()

    assert "OSError: &lt;refused&gt;" in page
    assert verb(effect, "retry") in page
    assert verb(effect, "skip") in page
    Effect.objects.update(state="done")
    assert verb(effect, "retry") not in client.get(page_of(effect)).content.decode()


def test_a_dead_effect_is_tried_again_with_another_payload(client, operator, dead):
    [effect] = dead(payload={"to": "old"})

    client.post(verb(effect, "retry"), {"reason": "typo", "payload": json.dumps({"to": "new"})})

    effect.refresh_from_db()
    assert (effect.state, effect.payload) == ("ready", {"to": "new"})
    assert [(e.what, e.actor, e.detail, e.payload) for e in effect.events.all()] == [
        ("edited", operator, "typo", {"to": "old"})
    ]


@pytest.mark.parametrize(
    "payload", ["[1]", "{", '"x"', '{"a": "\\u0000"}', '{"a": ' * 2000], ids=["list", "cut", "text", "nul", "deep"]
)
def test_a_payload_that_cannot_be_kept_is_asked_for_again(client, operator, dead, payload):
    [effect] = dead()

    assert client.post(verb(effect, "retry"), {"payload": payload}).status_code in (200, 400)

    effect.refresh_from_db()
    assert effect.state == "dead"


def test_skipping_wants_a_reason(client, operator, dead):
    [effect] = dead()

    client.post(verb(effect, "skip"), {"reason": ""})
    effect.refresh_from_db()
    assert effect.state == "dead"
    client.post(verb(effect, "skip"), {"reason": "told them by phone"})

    effect.refresh_from_db()
    assert effect.state == "skipped"


def test_done_effect_is_not_tried_again(client, operator, dead):
    [effect] = dead(state="done")

    answer = client.post(verb(effect, "retry"), {"reason": "x", "payload": "{}"})

    assert answer.status_code == 409
    assert "Cannot retry this effect: it is done." in answer.content.decode()


def test_many_are_counted_before_they_are_tried_again(client, operator, dead):
    dead(3)
    chosen = {"state": "dead"}

    asked = client.post(reverse("effects_retry"), chosen).content.decode()
    assert "Try 3 effects again?" in asked
    assert Effect.objects.filter(state="dead").count() == 3
    done = client.post(reverse("effects_retry"), {**chosen, "confirmed": "yes", "reason": "back"}, follow=True)

    assert "3 effects will be tried again." in done.content.decode()
    assert Effect.objects.filter(state="ready").count() == 3


@pytest.mark.parametrize("query", ["state=x", "kind=%01", "state=dead&kind=nothing.known", "page=x", "page=-1",
                                   "page=" + "9" * 40, "state=done&page=200"])  # fmt: skip
def test_no_filter_breaks_the_list_of_effects(client, operator, dead, query):
    dead()

    assert client.get(f"{EFFECTS}?{query}").status_code == 200


def test_effects_are_filtered_as_mails_link_to_them(client, operator, dead):
    [effect] = dead()

    assert page_of(effect) in client.get(f"{EFFECTS}?kind={effect.kind}").content.decode()
    assert page_of(effect) not in client.get(f"{EFFECTS}?kind=payment.settle").content.decode()


@pytest.mark.parametrize(
    "path",
    ["workflows/toy/", "workflows/payment/?state=x", "workflows/payment/?transition=x", f"workflows/payment/{MISSING}/",
     f"workflows/x/{MISSING}/", f"effects/{MISSING}/", f"effects/{MISSING}/retry/"],
)  # fmt: skip
def test_unknown_things_are_not_found(client, operator, path):
    assert client.get(f"/desk/{path}").status_code == 404


def test_only_known_verbs_are_taken(client, operator, dead):
    [effect] = dead()

    assert client.post(verb(effect, "delete")).status_code == 404


def test_figures_count_decisions_and_how_long_they_took(client, operator, approved):
    rejected = PaymentFactory(reference_key="X")
    perform(rejected.reject, by=StaffFactory(), reason_code="other")

    *days, whole = daily_stats()

    assert (whole.approved, whole.rejected) == (1, 1)
    assert (days[-1].approved, days[-1].rejected) == (1, 1)
    assert len(days) == 14
    assert sum(day.approved + day.rejected for day in days[:-1]) == 0
    took = [
        (decision.at - payment.created_at).total_seconds()
        for payment in (approved, rejected)
        for decision in Transition.objects.filter(object_id=payment.pk, seq=2)
    ]
    assert min(took) <= whole.median_seconds <= whole.p90_seconds <= max(took)
    assert "1 approved, 1 rejected" in client.get(reverse("figures")).content.decode()


def test_figures_know_how_long_the_oldest_claim_had_waited_each_evening(clock, client, operator):
    clock.go_to(datetime(2026, 3, 10, 12, tzinfo=UTC))
    decided = PaymentFactory(reference_key="A")
    clock.go_to(datetime(2026, 3, 12, 6, tzinfo=UTC))
    perform(decided.reject, by=StaffFactory(), reason_code="other")
    PaymentFactory(reference_key="B")
    clock.go_to(datetime(2026, 3, 13, 18, tzinfo=UTC))

    hours = [age / 3600 for age in oldest_ages()]

    assert hours == pytest.approx([0] * 10 + [12, 36, 18, 36], abs=0.01)
    page = client.get(reverse("figures")).content.decode()
    assert page.count('<svg class="chart"') == 4
    assert 'data-label="Oldest claim">18.0 h<' in page


def test_figures_know_of_a_claim_that_waits_longer_than_they_look_back(clock):
    PaymentFactory()
    clock.advance(days=60)

    assert oldest_ages()[-1] == pytest.approx(60 * 86_400, abs=60)


def test_figures_count_what_was_given_up_each_day(clock, dead):
    one, *_ = dead()
    clock.go_to(datetime(2026, 3, 10, 12, tzinfo=UTC))
    EffectEvent.objects.create(effect=one, what="died", at=clock.now())
    clock.go_to(datetime(2026, 3, 12, 12, tzinfo=UTC))
    EffectEvent.objects.create(effect=one, what="failed", at=clock.now())
    EffectEvent.objects.create(effect=one, what="died", at=clock.now())

    assert dead_effects_per_day() == [0] * 11 + [1, 0, 1]


def test_figures_name_what_lies_dead(client, operator, dead):
    dead(2)

    page = client.get(reverse("figures")).content.decode()

    assert "?state=dead&amp;kind=mail.trial_started" in page


def test_batches_show_how_far_they_are_and_what_came_of_them(client, operator, dead, django_assert_max_num_queries):
    first, second, third = dead(3)
    gather(
        [first.pk, second.pk], then=NewEffect(mail_trial_start, "renewals:2026-12-01", about=Account.objects.first())
    )
    gather([third.pk], then=NewEffect(mail_trial_start, "renewals:2026-12-02", about=Account.objects.first()))
    skip(first, by=operator, reason="never mind")
    skip(third, by=operator, reason="never mind")
    Batch.objects.filter(then__key="renewals:2026-12-02").update(note="0 invoices & more")

    with django_assert_max_num_queries(MOST_QUERIES):
        page = client.get(BATCHES).content.decode()

    assert "1 of 2, 1 skipped" in page
    assert "1 dead or uncertain" in page
    assert "0 invoices &amp; more" in page
    open_batch = Batch.objects.get(completed_at=None)
    members = client.get(EFFECTS, {"batch": open_batch.pk, "state": "dead"}).content.decode()
    assert page_of(second) in members
    assert page_of(third) not in members
    assert (
        "Try 1 effect again?"
        in client.post(reverse("effects_retry"), {"state": "dead", "batch": open_batch.pk}).content.decode()
    )


def test_batch_that_is_no_key_is_left_out(client, operator, dead):
    dead(1)

    page = client.get(EFFECTS, {"batch": "none", "state": "dead"})

    assert (page.status_code, "Left out." in page.content.decode()) == (200, True)


def test_a_dead_effect_says_what_waits_for_it(client, operator, dead, django_assert_max_num_queries):
    first, second = dead(2)
    gather([first.pk], then=NewEffect(mail_trial_start, "renewals:2026-12-01", about=Account.objects.first()))

    with django_assert_max_num_queries(MOST_QUERIES):
        page = client.get(page_of(first)).content.decode()
    assert "What waits for it" in page
    assert "This mail has not gone out." in page
    assert "mail.trial_started waits for it alone (renewals:2026-12-01)." in page
    following = page_of(Effect.objects.get(key="renewals:2026-12-01"))
    assert following in page
    assert "until its batch is complete" in client.get(following).content.decode()

    skip(second, by=operator, reason="never mind")
    assert "What waits for it" not in client.get(page_of(second)).content.decode()
