from __future__ import annotations

import pytest

from engine.models import Effect
from tests.factories import PaymentFactory

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET workflows/failures/")
def test_failures_are_grouped_by_kind_and_cause(operator):
    PaymentFactory(), PaymentFactory(reference_key="2")
    told = Effect.objects.filter(kind="payment.tell_reviewers")
    told.update(state="dead", attempts=3, fence=3, cause="builtins.ValueError", last_error="ValueError: no")

    [row] = operator.get("workflows/failures/").json()["results"]

    assert (row["kind"], row["cause"], row["state"]) == ("payment.tell_reviewers", "builtins.ValueError", "dead")
    assert (row["tried"], row["count"]) == ("attempted", 2)
