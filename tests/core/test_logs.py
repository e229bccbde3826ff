from __future__ import annotations

import json
import logging

import pytest

from core.observability.logging import JsonFormatter, TextFormatter
from engine import perform, run_due
from engine.context import request_id
from engine.logs import effect_context
from engine.models import Effect
from tests.api.conftest import Caller
from tests.factories import PaymentFactory, StaffFactory

MOVES = "engine.transitions"


@pytest.fixture
def lines():
    """Every line that is logged from here on, as JSON."""
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield seen
    logging.getLogger().removeHandler(handler)


def record(message="hello", **extra):
    made = logging.LogRecord("room", logging.INFO, __file__, 1, message, (), None)
    made.__dict__.update(extra)
    return made


def test_a_line_names_the_request():
    token = request_id.set("request-1234")
    try:
        assert json.loads(JsonFormatter().format(record()))["request_id"] == "request-1234"
        assert TextFormatter("%(message)s").format(record()) == "hello [request=request-1234]"
    finally:
        request_id.reset(token)


def test_a_line_says_when_in_utc():
    assert json.loads(JsonFormatter().format(record(created=0.5)))["at"] == "1970-01-01T00:00:00.500+00:00"


def test_a_line_outside_everything_names_nothing():
    assert "request_id" not in json.loads(JsonFormatter().format(record()))
    assert TextFormatter("%(message)s").format(record()) == "hello"


def test_a_line_inside_effects_names_them_and_what_they_follow_from():
    one = Effect(kind="mail.test", transition_id="01900000-0000-7000-8000-000000000001")
    two = Effect(kind="mail.test")

    with effect_context([one]):
        alone, text = json.loads(JsonFormatter().format(record())), TextFormatter("%(message)s").format(record())
    with effect_context([one, two]):
        both, text_of_both = json.loads(JsonFormatter().format(record())), TextFormatter("%(message)s").format(record())

    assert (alone["effect_kind"], alone["effect_id"]) == ("mail.test", str(one.pk))
    assert alone["transition_id"] == both["transition_id"] == str(one.transition_id)
    assert text == f"hello [effect_kind=mail.test effect={one.pk} transition={one.transition_id}]"
    assert both["effect_ids"] == [str(one.pk), str(two.pk)]
    assert "effect_ids=2" in text_of_both
    assert "effect" not in TextFormatter("%(message)s").format(record())


def test_an_exception_is_kept_on_the_one_line():
    made = record()
    made.exc_info = (ValueError, ValueError("no"), None)

    assert "ValueError: no" in json.loads(JsonFormatter().format(made))["exception"]


@pytest.mark.django_db(transaction=True)
def test_log_has_actions_of_people_and_not_of_the_engine(lines, run_effects):
    payment = PaymentFactory()
    staff = StaffFactory()
    lines.clear()

    Caller(staff).post(
        f"billing/admin/payments/{payment.pk}/approve/", {"admin_notes": "seen"}, **{"X-Request-ID": "request-77"}
    )
    run_effects()

    [line] = [line for line in lines if line["logger"] == MOVES]
    assert (line["level"], line["request_id"]) == ("info", "request-77")
    assert (line["machine"], line["object_id"], line["name"]) == ("payment", str(payment.pk), "approve")
    assert (line["source"], line["target"], line["actor_id"]) == ("pending_approval", "approved", str(staff.pk))
    assert line["transition_id"]


@pytest.mark.django_db(transaction=True)
def test_engine_transitions_are_logged_at_debug_level(lines, caplog, run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    lines.clear()

    with caplog.at_level("DEBUG", logger=MOVES):
        run_effects()

    moves = {line["name"]: line for line in lines if line["logger"] == MOVES}
    assert set(moves) - {"begin"} == {"settle", "pay", "activate"}  # a receipt begins, too
    assert {line["level"] for line in moves.values()} == {"debug"}
    assert all(line["actor_id"] is None for line in moves.values())


@pytest.mark.django_db
def test_a_move_that_is_rolled_back_is_not_logged(lines):
    payment = PaymentFactory()
    lines.clear()

    perform(payment.approve, by=StaffFactory())  # inside the test's own transaction, which never commits

    assert lines == []


@pytest.mark.django_db
def test_a_failure_names_its_effect(lines, monkeypatch, run_effects):
    def broken(*_):
        logging.getLogger("handler").warning("about to fail")
        raise ValueError("no")

    PaymentFactory()
    run_due([Effect.objects.get(kind="payment.tell_reviewers").pk])
    effect = Effect.objects.filter(kind="mail.payment_submitted").get()
    monkeypatch.setattr("workflows.mail.sending.EmailMultiAlternatives.send", broken)
    run_effects()

    said = [line for line in lines if line.get("effect_id") == str(effect.pk)]
    assert [line["logger"] for line in said] == ["handler", "engine.executor"]
    assert {line["transition_id"] for line in said} == {str(effect.transition_id)}
    assert {line["effect_kind"] for line in said} == {"mail.payment_submitted"}
