from __future__ import annotations

import pytest

from tests.factories import PaymentFactory

pytestmark = pytest.mark.django_db


@pytest.mark.happy(
    "GET workflows/pauses/",
    "POST workflows/pauses/",
    "POST workflows/pauses/{id}/let-go/",
    "POST workflows/pauses/{id}/resume/",
)
def test_kind_is_paused_some_let_go_and_all_resumed(operator):
    PaymentFactory(), PaymentFactory(reference_key="2")
    scope = {"scope": "kind", "name": "payment.tell_reviewers"}

    made = operator.post("workflows/pauses/", {**scope, "reason": "the mail server moves"})
    path = f"workflows/pauses/{made.json()['id']}/"

    assert (made.status_code, made.json()["waiting"], made.json()["let_go"]) == (201, 2, 0)
    assert operator.get("workflows/pauses/").json()["results"] == [made.json()]
    assert operator.post(f"{path}let-go/", {"count": 1}).json() == {"let_go": 1, "waiting": 1}
    assert operator.post(f"{path}resume/").json() == {"waited": 1}
    assert operator.get("workflows/pauses/").json()["results"] == []
