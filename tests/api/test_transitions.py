from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET workflows/transitions/")
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
