from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from api.docs import published
from api.urls import urlpatterns, v1
from core.problems import Problem
from tests.api.published import must_conform, operation_of, operations

METHODS = ("get", "post", "put", "patch", "delete")
WRITE_SCHEMA = (
    "import sys, django; django.setup(); from api.docs import written; sys.stdout.buffer.write(written('yaml'))"
)


def methods_of(view):
    """What the view takes, asked of the view and not of the library that wrote the schema."""
    actions = getattr(view, "actions", None)
    return [method for method in METHODS if (method in actions if actions else hasattr(view.view_class, method))]


def test_every_route_is_in_the_schema_and_nothing_else():
    routes = {
        f"{method.upper()} {re.sub('<uuid:pk>', '{id}', str(pattern.pattern))}"
        for pattern in v1
        for method in methods_of(pattern.callback)
    }

    assert set(operations()) == routes
    assert [str(pattern.pattern) for pattern in urlpatterns] == ["v1/", "schema/", "docs/", ""]


def test_the_schema_is_openapi_3_1_by_the_letter():
    schema = json.loads(json.dumps(published()))

    validate_schema(schema)
    assert schema["openapi"].startswith("3.1")
    for component in schema["components"]["schemas"].values():
        Draft202012Validator.check_schema(component)


def test_an_operation_has_a_name_a_sentence_a_tag_and_an_explicit_door():
    names = [operation["operationId"] for operation in operations().values()]
    known = {tag["name"] for tag in published()["tags"]}

    assert len(set(names)) == len(names)
    for name, operation in operations().items():
        assert re.fullmatch(r"[A-Z].{8,}\.", operation["summary"]), name
        assert set(operation["tags"]) <= known, name
        assert operation["security"] in ([], [{"bearer": []}], [{"bearer": []}, {}]), name
        assert operation["security"] or {"401", "403"}.isdisjoint(operation["responses"]) or "login" in name, name


def test_operations_without_a_token_are_marked():
    open_to_all = {name for name, operation in operations().items() if not operation["security"]}

    assert {"POST auth/login/", "POST auth/register/", "GET plans/", "GET industries/"} <= open_to_all
    assert all(
        name.startswith(("POST auth/", "GET plans", "GET industries", "GET billing/admin/payment-methods"))
        for name in open_to_all
    )


def test_bodies_are_strict_and_every_post_takes_a_key():
    schemas = published()["components"]["schemas"]

    for name, operation in operations().items():
        headers = {part["name"] for part in operation.get("parameters", []) if part["in"] == "header"}
        is_done = name.startswith("POST") and not name.endswith("/preview/")  # which does nothing, and keeps nothing
        assert ("Idempotency-Key" in headers) is is_done, name
        for content in operation.get("requestBody", {}).get("content", {}).values():
            body = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            assert body["additionalProperties"] is False, name


def test_examples_are_what_they_are_examples_of():
    components = published()["components"]
    with_examples = {name: schema for name, schema in components["schemas"].items() if "examples" in schema}

    assert {"RegisterRequest", "ConfirmPaymentRequest", "ApprovePaymentRequest"} <= set(with_examples)
    for name, schema in with_examples.items():
        for example in schema["examples"]:
            Draft202012Validator({**schema, "components": components}).validate(example), name


def test_every_problem_is_promised_somewhere():
    promised = {
        slug
        for operation in operations().values()
        for status, answer in operation["responses"].items()
        if status >= "400"
        for slug in re.findall(r"`([a-z-]+)`", answer["description"])
    }

    # Given to no operation: a method that is not there, a bug of ours.
    assert {kind.slug for kind in Problem.__subclasses__()} - promised == {"method-not-allowed", "internal-error"}


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        ("", "", "application/vnd.oai.openapi+json"),
        ("", "application/json", "application/vnd.oai.openapi+json"),
        ("", "application/yaml", "application/vnd.oai.openapi"),
        ("", "application/vnd.oai.openapi", "application/vnd.oai.openapi"),
        ("?format=yaml", "", "application/vnd.oai.openapi"),
        ("?format=json", "application/yaml", "application/vnd.oai.openapi+json"),
    ],
)
def test_the_schema_comes_as_json_and_as_yaml(query, accept, content_type):
    answer = APIClient().get(f"/api/schema/{query}", headers={"Accept": accept} if accept else {})

    assert answer.status_code == 200
    assert answer["Content-Type"] == content_type
    assert answer.content.startswith(b"{" if "json" in content_type else b"openapi: 3.1")


@pytest.mark.parametrize("query", ["?format=xml", "?lang=en", "?format=json&format=json"])
def test_the_schema_knows_no_other_parameters(query):
    assert APIClient().get(f"/api/schema/{query}").status_code == 400


def test_the_page_of_the_schema_has_nothing_inline_and_nothing_from_elsewhere():
    page = APIClient().get("/api/docs/")
    script = APIClient().get("/api/docs/?script=")

    assert page.status_code == script.status_code == 200
    text = page.content.decode()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]* src=)", text)
    assert not re.search(r"(src|href)=\"(?!/)", text)
    assert b"/api/schema/" in script.content
    assert script["Content-Type"] == "application/javascript"


def test_schema_judge_refuses_a_wrong_answer():
    def answer(status, body, path="/api/v1/credits/"):
        return SimpleNamespace(
            request={"REQUEST_METHOD": "GET", "PATH_INFO": path},
            status_code=status,
            content=json.dumps(body).encode(),
            json=lambda: body,
            __getitem__=None,
        )

    class Answer(SimpleNamespace):
        def __getitem__(self, name):
            return "application/json"

    must_conform(Answer(**vars(answer(200, {"credits": 1}))))
    for status, body in ((200, {"credits": "1"}), (200, {}), (200, {"credits": 1, "more": 1}), (201, {"credits": 1})):
        with pytest.raises(AssertionError):
            must_conform(Answer(**vars(answer(status, body))))
    assert operation_of("GET", "/api/v1/billing/admin/payments/") == "GET billing/admin/payments/"


def test_operations_are_named_for_generated_clients():
    by_name = {operation["operationId"]: name for name, operation in operations().items()}

    assert [name for name in by_name if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    assert by_name["void_invoice"] == "POST billing/admin/invoices/{id}/void/"
    assert by_name["write_off_invoice"] == "POST billing/admin/invoices/{id}/write-off/"
    assert by_name["preview_void_invoice"] == "POST billing/admin/invoices/{id}/void/preview/"
    assert by_name["preview_write_off_invoice"] == "POST billing/admin/invoices/{id}/write-off/preview/"


def test_two_processes_publish_the_same_bytes_without_addresses_of_objects():
    writing = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE_SCHEMA],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "core.settings", "DEBUG": "true", "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate(timeout=60)[0] for process in writing)

    assert [process.returncode for process in writing] == [0, 0]
    assert first == second
    assert first.startswith(b"openapi: 3.1")
    assert not re.search(rb"\b0x[0-9a-f]{6,}|<[\w.]+ object|<bound method|<function", first)
