"""Every text of every operation, found in the published schema, takes its longest text of characters that grow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db.transaction import atomic, set_rollback

from api.docs import published
from core.proof_links import TYPED_HTTPS
from tests.api.hostile import Attack, address
from tests.api.matrix import BODIES, actor_of
from tests.api.published import operations
from tests.api.test_hostile import send
from tests.growing import growing

pytestmark = pytest.mark.django_db

UNBOUNDED = 2000


@pytest.fixture
def _django_db_helper(world) -> None:
    """The transaction of the world stands for one of each test."""


@pytest.fixture(autouse=True)
def no_limits(settings) -> None:
    settings.LIMITS = {name: {} for name in settings.LIMITS}


def texts_of(schema: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """Each text of a body, with how long it may be and what kind it is."""
    if "$ref" in schema:
        schema = published()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for part in (schema, *schema.get("anyOf", [])):
        if part.get("type") == "string" and not {"enum", "const"} & part.keys() and part.get("format") != "uuid":
            kind = "link" if TYPED_HTTPS in part.get("pattern", "") else part.get("format", "")
            yield above, part.get("maxLength", UNBOUNDED), kind
    for name, part in schema.get("properties", {}).items():
        yield from texts_of(part, (*above, name))
    if schema.get("type") == "array":
        yield from texts_of(schema["items"], (*above, "0"))


def places() -> list[tuple[str, str, tuple[str, ...], int, str]]:
    found = []
    for name, operation in operations().items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        found += [(name, "body", *text) for text in (texts_of(body["schema"]) if body else ())]
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                found += [(name, "query", *text) for text in texts_of(parameter["schema"], (parameter["name"],))]
    return found


def put(body: Any, place: tuple[str, ...], text: str) -> Any:
    """The body with the text in that place, and what is around it made where it is missing."""
    if not place:
        return text
    step, *below = place
    if step == "0":
        return [put({}, tuple(below), text)]
    return {**body, step: put(body.get(step, {}) if below else None, tuple(below), text)}


def test_texts_are_found_in_bodies_and_addresses():
    fields = {(name, place): kind for name, _, place, _, kind in places()}

    assert fields["POST billing/admin/payments/confirm/", ("manual_reference",)] == ""
    assert fields["POST billing/admin/payments/confirm/", ("proof_url",)] == "link"
    assert fields["POST auth/register/", ("billing_email",)] == "email"
    assert fields["GET billing/admin/payments/", ("search",)] == ""
    assert len(fields) > 60


@pytest.mark.parametrize("name", sorted({name for name, *_ in places()}))
def test_longest_text_of_characters_that_grow_is_taken_or_refused_and_never_breaks(name, world):
    body = BODIES[name](world) if name in BODIES else {}
    counted: Counter[int] = Counter()
    for where, place, longest, kind in [place for each, *place in places() if each == name]:
        for what, text in growing(longest, kind):
            path = address(world, name)
            document = json.dumps(put(body, place, text)).encode() if where == "body" else None
            if where == "query":
                path = f"{path}?{urlencode({place[0]: text})}"
            with atomic():
                answer = send(world.callers[actor_of(name)], Attack(name, what, path, document))
                set_rollback(True)
            counted[answer.status_code] += 1
            assert answer.status_code < 500, (place, what, answer.content[:300])

    assert counted[200] + counted[201] + counted[202] + counted[204] + counted[400] + counted[401] > 0, counted
