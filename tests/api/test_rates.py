from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET workflows/rates/", "POST workflows/rates/")
def test_rate_is_set_and_listed(operator):
    answer = operator.post("workflows/rates/", {"throttle": "mail", "rate": "4/s"})

    assert answer.json() == {"throttle": "mail", "rate": "4/s", "seconds": 0.275}  # with a tenth to spare
    rows = {row["throttle"]: row for row in operator.get("workflows/rates/").json()["results"]}
    assert rows["mail"] == answer.json()
