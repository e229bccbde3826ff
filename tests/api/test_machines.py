from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET workflows/machines/")
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
