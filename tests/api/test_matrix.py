from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback

from tests.api.conftest import BASE
from tests.api.matrix import BODIES, MATRIX, actor_of, noun_of
from tests.api.published import must_conform, operations, takes_a_form
from tests.api.scenario import ACTORS, Scenario, digest

pytestmark = pytest.mark.django_db
ROWS = {name: dict(zip(ACTORS, row.split(), strict=True)) for name, row in MATRIX.items()}
ABOUT_ONE = [name for name in ROWS if "{id}" in name]


@pytest.fixture
def _django_db_helper(scenario: Scenario) -> None:
    """The transaction of the world stands for one of each test."""


def ask(scenario: Scenario, actor: str, name: str, *, key: str | None = None, **headers: str) -> Any:
    method, path = name.split(" ")
    if "{id}" in path:
        path = path.replace("{id}", key or scenario.id(noun_of(name)))
    body = BODIES[name](scenario) if name in BODIES else None
    send = getattr(scenario.callers[actor].client, method.lower())
    kind = "multipart" if takes_a_form(name) else "json"
    answer = send(BASE + path, body, format=kind, headers=headers) if method != "GET" else send(BASE + path)
    must_conform(answer)
    return answer


def test_every_operation_has_a_row():
    assert set(MATRIX) == set(operations())
    with_body = {name for name, operation in operations().items() if "requestBody" in operation}
    assert set(BODIES) == with_body


@pytest.mark.parametrize("name", ROWS)
def test_each_actor_is_answered_as_the_matrix_says(name, scenario):
    ours = {str(key).encode() for noun, key in scenario.ids.items() if noun not in ("missing", "industry")}
    before = digest()

    for actor, expected in ROWS[name].items():
        with atomic():
            answer = ask(scenario, actor, name)
            cell = f"{actor}: {name} -> {answer.status_code} {answer.content[:300]!r}"
            assert answer.status_code == (200 if expected == "own" else int(expected)), cell
            if answer.status_code >= 400 or name.startswith("GET") or name.endswith("/preview/"):
                assert digest() == before, cell
            elif "retry" not in name:
                assert digest() != before, cell
            if expected == "own":
                assert not [key for key in ours if key in answer.content], cell
            set_rollback(True)


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("POST") and "/preview/" not in name])
def test_any_post_may_be_repeated_under_its_key(name, scenario):
    actor = actor_of(name)

    with atomic():
        first = ask(scenario, actor, name, **{"Idempotency-Key": "matrix"})
        done = digest()
        again = ask(scenario, actor, name, **{"Idempotency-Key": "matrix"})
        assert digest() == done
        set_rollback(True)

    assert first.status_code == int(ROWS[name][actor])
    if again.status_code != 401:  # who has signed out is nobody
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("name", ABOUT_ONE)
@pytest.mark.parametrize("actor", ["stranger", "clerk", "operator"])
def test_another_s_id_is_answered_like_one_that_is_missing(name, actor, scenario):
    if ROWS[name][actor] not in ("403", "404"):
        return
    with atomic():
        foreign, missing = ask(scenario, actor, name), ask(scenario, actor, name, key=scenario.id("missing"))
        set_rollback(True)

    assert foreign.status_code == missing.status_code
    assert document(foreign) == document(missing)


def test_another_s_id_in_a_body_is_answered_like_one_that_is_missing(scenario, monkeypatch):
    name = "POST billing/admin/payments/confirm/"
    with atomic():
        foreign = ask(scenario, "stranger", name)
        body = BODIES[name](scenario)
        monkeypatch.setitem(BODIES, name, lambda _: body | {"invoice_id": scenario.id("missing")})
        missing = ask(scenario, "stranger", name)
        set_rollback(True)

    assert foreign.status_code == missing.status_code == 404
    assert document(foreign) == document(missing)


def test_bulk_decides_only_permitted_payments(scenario, monkeypatch):
    """Open, decided already, recorded by the caller, nobody's."""
    with atomic():
        recorded = ask(scenario, "approver", "POST billing/admin/payments/record/").json()["id"]
        name = "POST billing/admin/payments/bulk-approve/"
        ids = [scenario.id("claim"), scenario.id("settled"), recorded, scenario.id("missing")]
        results = {}
        for part in ([recorded], [key for key in ids if key != recorded]):  # of an invoice one is decided at a time
            monkeypatch.setitem(BODIES, name, lambda _, part=part: {"ids": part})
            results |= {row["id"]: row for row in ask(scenario, "approver", name).json()["results"]}
        set_rollback(True)

    outcomes = [results[key].get("status") or results[key]["problem"]["type"] for key in ids]
    assert outcomes == ["approved", "/problems/wrong-state", "/problems/permission-denied", "/problems/not-found"]


def test_rows_of_customers_are_fetched_by_their_accessor_alone():
    """`visible_to` or `account_of`: the next route must not forget whose rows it shows."""
    raw = re.compile(
        r"\b(Account|Document|Invoice|Payment|Subscription|Site|SiteUserAccess|CreditEntry)\.objects\.(?!visible_to)"
    )
    found = [
        f"{file.name}: {line.strip()}"
        for file in Path("api").glob("*.py")
        for line in file.read_text().splitlines()
        if raw.search(line) and not re.search(r"account_of\(|account=payment.account_id|update_or_create\(", line)
    ]

    assert found == []


def document(answer: Any) -> dict[str, Any]:
    return {name: part for name, part in answer.json().items() if name not in ("instance", "request_id")}
