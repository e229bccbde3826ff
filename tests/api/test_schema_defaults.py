from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.docs import published
from tests.factories import PaymentMethodFactory

NAMED = ("properties", "patternProperties", "responses", "schemas", "parameters", "headers")  # keys are names there


def schemas_with_a_default(part: Any, where: str = "") -> dict[str, dict[str, Any]]:
    """Every schema that has a default, by its place in the document."""
    found: dict[str, dict[str, Any]] = {}
    if isinstance(part, list):
        for number, item in enumerate(part):
            found |= schemas_with_a_default(item, f"{where}/{number}")
    elif isinstance(part, dict):
        if "default" in part and where.rpartition("/")[2] not in NAMED:
            found[where] = part
        for name, item in part.items():
            found |= schemas_with_a_default(item, f"{where}/{name}")
    return found


def faults(document: dict[str, Any]) -> list[str]:
    return [
        f"{where}: {error.message}"
        for where, schema in schemas_with_a_default(document).items()
        for error in Draft202012Validator({**schema, "components": document["components"]}).iter_errors(
            schema["default"]
        )
    ]


def test_every_default_of_the_schema_is_allowed_by_its_own_schema():
    document = json.loads(json.dumps(published()))

    found = schemas_with_a_default(document)

    assert len(found) > 20
    assert any("/parameters/" in where for where in found)
    assert any("/components/" in where for where in found)
    assert faults(document) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Country", "default": ""},
        {"allOf": [{"$ref": "#/components/schemas/Country"}], "default": "pk"},
        {"type": "string", "maxLength": 3, "default": "four"},
        {"type": "integer", "minimum": 1, "default": 0},
        {"type": "string", "default": None},
    ],
)
def test_a_default_outside_its_schema_is_found_in_parameters_and_bodies(schema):
    document = {
        "paths": {"/a/": {"get": {"parameters": [{"name": "default", "in": "query", "schema": schema}]}}},
        "components": {"schemas": {"Country": {"enum": ["PK", "DE"]}, "In": {"properties": {"default": schema}}}},
    }

    assert len(faults(document)) == 2


@pytest.mark.django_db
def test_payment_methods_without_a_country_are_those_offered_everywhere(anybody):
    PaymentMethodFactory(country="PK", code="pk")
    PaymentMethodFactory(country="", code="everywhere")

    rows = anybody.get("billing/admin/payment-methods/").json()["results"]

    assert [row["code"] for row in rows] == ["everywhere"]
