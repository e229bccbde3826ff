from __future__ import annotations

import pytest

from engine import NewEffect, gather, skip
from engine.models import Effect
from tests.api.scenario import make_dead
from tests.factories import PaymentFactory
from workflows.mail.notifications import mail_trial_start

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET workflows/batches/")
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
