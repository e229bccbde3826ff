"""A restored installation holds external effects until an operator has looked: `skip_outward`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from engine import perform
from engine.models import Effect
from tests.factories import OperatorFactory, PaymentFactory, StaffFactory, UserFactory
from workflows.periods import database_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(settings, run_effects):
    """A payment approved and settled while nothing may leave."""
    settings.ENGINE_PAUSE_EXTERNAL_EFFECTS = True
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    return payment


def test_internal_effects_run_and_external_ones_wait_while_held(held, mailoutbox):
    held.refresh_from_db()

    assert held.status == "succeeded"
    assert mailoutbox == []
    waiting = Effect.objects.filter(kind__startswith="mail.", state="ready")
    assert waiting.filter(kind="mail.payment_approved").exists()
    assert {effect.attempts for effect in waiting} == {0}


def test_external_effects_run_once_after_the_hold(held, mailoutbox, settings, run_effects):
    settings.ENGINE_PAUSE_EXTERNAL_EFFECTS = False
    run_effects()
    sent = len(mailoutbox)
    run_effects()

    assert sent == len(mailoutbox) == Effect.objects.filter(kind__startswith="mail.", state="done").count()


def test_effects_sent_before_the_loss_are_skipped_with_a_reason(held, mailoutbox, settings, run_effects, capsys):
    staff = OperatorFactory()
    moment = (database_now() + timedelta(minutes=1)).isoformat()
    due = Effect.objects.filter(kind__startswith="mail.", state="ready").count()

    call_command("skip_outward", due_before=moment, by=staff.email, dry_run=True)
    assert f"{due} would be skipped" in capsys.readouterr().out
    assert Effect.objects.filter(state="ready").count() == due
    call_command("skip_outward", due_before=moment, by=staff.email)
    settings.ENGINE_PAUSE_EXTERNAL_EFFECTS = False
    run_effects()

    assert f"{due} skipped" in capsys.readouterr().out
    assert mailoutbox == []
    story = Effect.objects.get(kind="mail.payment_approved").events.get()
    assert (story.what, story.actor, story.detail) == ("skipped", staff, "sent before the restore")


def test_skip_leaves_later_and_internal_effects_alone(held):
    before = database_now() - timedelta(hours=1)

    call_command("skip_outward", due_before=before.isoformat(), by=OperatorFactory().email)

    assert not Effect.objects.filter(state="skipped").exists()
    call_command("skip_outward", due_before="2099-01-01", by=OperatorFactory().email)
    assert not Effect.objects.filter(state="skipped").exclude(kind__startswith="mail.").exists()


def test_skip_outward_needs_the_permission(held):
    with pytest.raises(CommandError, match="may not operate"):
        call_command("skip_outward", due_before="2099-01-01", by=UserFactory().email)
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("skip_outward", due_before="2099-01-01", by="nobody@acme.test")
    with pytest.raises(CommandError, match="no moment"):
        call_command("skip_outward", due_before="yesterday", by=OperatorFactory().email)
