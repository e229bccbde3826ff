"""The published schema (OpenAPI 3.1), read off the views: `In`, `Filters`, permissions, `@operation`, docstrings."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta, build_array_type, force_instance
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import Serializer

from api.fields import StrictSerializer
from api.pagination import envelope
from api.problems import CONTENT_TYPE, ProblemOut
from api.views import Operation
from core.problems import (
    AuthenticationRequired,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    MalformedRequest,
    NotAcceptable,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    Problem,
    Unavailable,
    UnsupportedMediaType,
    ValidationError,
)

ACTIONS = {"get": "retrieve", "post": "create", "patch": "update", "delete": "delete"}
TAGS = {
    "auth": "Signing up, in and out.",
    "account": "The account and its people.",
    "billing": "Plans, invoices, claims of payment.",
    "credits": "What an account may use.",
    "documents": "Invoices, receipts and other papers.",
    "sites": "Where an account uses the product.",
    "staff": "Deciding on payments, closing invoices. Each asks for a permission.",
    "workflows": "What the engine did and still has to do. Asks for `core.operate_effects`.",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="Makes a repetition harmless: the first answer comes back, for seven days.",
)
PREFER = OpenApiParameter(
    "Prefer",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="`wait=N`: answer when what follows is settled, after at most N seconds (30). Others are ignored.",
)


class Schema(AutoSchema):
    """Describes one operation of an ApiView."""

    view: Any

    @property
    def declared(self) -> Operation | None:
        return getattr(self.view.handler_of(self.method), "operation", None)

    # Names and texts

    def get_operation_id(self) -> str:
        """`approve_payment`; where a view takes several methods, `members_create`."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self.view).__name__).lower()
        if verb := getattr(self.view, "verb", None):
            words = f"{words}_{verb}"
        action = getattr(self.view, "action", None)
        if action is None:
            if sum(hasattr(self.view, method) for method in ACTIONS) == 1:
                return words
            rows = self.declared is not None and isinstance(next(iter(self.declared.responses.values())), list)
            action = "list" if rows else ACTIONS[self.method.lower()]
        return f"{words}_{action.removeprefix('partial_').replace('destroy', 'delete')}"

    def get_summary(self) -> str:
        """Of the docstring, without the paths before the colon."""
        first = self._words().split("\n")[0]
        sentence = re.sub(r"^[A-Z, ]+ [a-z].*?/: |^[A-Z, ]+ [a-z]\S*\?\S+: ", "", first)
        one = ", one of them" if getattr(self.view, "action", "") == "retrieve" else ""
        return f"{sentence[:1].upper()}{sentence[1:].removesuffix('.')}{one}."

    def get_description(self) -> str:  # type: ignore[override]
        rest = self._words().partition("\n")[2].strip()
        permission = getattr(self.view, "permission", None)
        return "\n\n".join(filter(None, [rest, permission and f"Staff need `{permission}`."]))

    def get_tags(self) -> list[str]:
        first = self._tokenize_path()[0]
        if isinstance(getattr(self.view, "permission", None), str) and first != "workflows":
            return ["staff"]
        return [{"industries": "sites", "plans": "billing"}.get(first, first)]

    def _words(self) -> str:
        own = getattr(self.view.handler_of(self.method), "__doc__", None)
        is_inherited = self.view.handler_of(self.method).__module__.startswith("rest_framework")
        lines = ((None if is_inherited else own) or type(self.view).__doc__ or "").strip().split("\n")
        return "\n".join(line.strip() for line in lines)

    # Requests

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = [self.view.parameters(self.method, is_list=self.view.is_list(self.method))]
        if self.method == "POST" and self.view.keeps_answers:
            parameters.append(IDEMPOTENCY_KEY)
        if self.get_operation_id() == "approve_payment":
            parameters.append(PREFER)
        return parameters

    def _get_pagination_parameters(self) -> list[Any]:
        return []  # they are in `Filters`

    def get_request_serializer(self) -> Any:
        return self.view.body_of(self.method)

    # Responses

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.view.is_list(self.method) and (serializer is None or not isinstance(serializer, dict))

    def get_response_serializers(self) -> Any:
        if self.declared is None:
            return {200: self._get_serializer()}
        return dict(self.declared.responses)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for answer in bodies.values():
            answer["headers"] = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
        return bodies | self._refusals()

    def _get_response_for_code(
        self, serializer: Any, status_code: str, media_types: Any = None, direction: Any = "response"
    ) -> dict[str, Any]:
        if isinstance(serializer, list):  # rows without pages
            row = self.resolve_serializer(force_instance(serializer[0]), direction)
            page = ResolvedComponent(
                name=self.get_paginated_name(row.name),
                type=ResolvedComponent.SCHEMA,
                schema=envelope(build_array_type(row.ref)),
                object=serializer[0],
            )
            self.registry.register_on_missing(page)
            serializer = page.ref
        answer: dict[str, Any] = super()._get_response_for_code(serializer, status_code, media_types, direction)
        answer["description"] = HTTPStatus(int(status_code)).phrase
        for text in self.declared.text_types if self.declared and status_code == "200" else ():
            answer.setdefault("content", {})[text] = {"schema": {"type": "string"}}
        return answer

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}List"

    def problems(self) -> list[type[Problem]]:
        """All but InternalError."""
        has_body = self.method in ("POST", "PATCH")
        return sorted(
            {
                ValidationError,
                MalformedRequest,
                NotAcceptable,
                Unavailable,
                *([AuthenticationRequired] if self.view.get_authenticators() else []),
                *([PermissionDenied] if hasattr(self.view, "permission") else []),
                *([NotFound] if "{" in self.path else []),
                *([PayloadTooLarge, UnsupportedMediaType] if has_body else []),
                *(
                    [IdempotencyKeyInUse, IdempotencyKeyReused]
                    if self.method == "POST" and self.view.keeps_answers
                    else []
                ),
                *(self.declared.raises if self.declared else getattr(self.view, "raises", ())),
            },
            key=lambda problem: (problem.status, problem.slug),
        )

    def _refusals(self) -> dict[str, Any]:
        document = self.resolve_serializer(ProblemOut(), "response").ref
        by_status: dict[str, list[type[Problem]]] = {}
        for problem in self.problems():
            by_status.setdefault(str(problem.status), []).append(problem)
        return {
            status: {
                "description": " ".join(f"`{problem.slug}`: {problem.TITLE}" for problem in problems),
                "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _headers(status, problems)},
                "content": {CONTENT_TYPE: {"schema": document}},
            }
            for status, problems in by_status.items()
        }

    # Components

    def get_serializer_name(self, serializer: Serializer, direction: Any) -> str:
        """`PaymentOut` is Payment, `ConfirmPayment.In` ConfirmPaymentRequest, `Subscriptions.Cancel` with its view."""
        outer, _, inner = type(serializer).__qualname__.rpartition(".")
        if outer or inner.endswith("In"):
            return f"{outer}{inner.removesuffix('In')}Request"
        return inner.removesuffix("Out")

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if isinstance(force_instance(serializer), StrictSerializer):
            schema["additionalProperties"] = False
            schema.setdefault("properties", {})
        if example := getattr(force_instance(serializer), "EXAMPLE", None):
            schema["examples"] = [example]
        return schema

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        if not hasattr(field, "openapi"):
            return super()._map_serializer_field(field, direction, bypass_extensions)
        if hasattr(field, "openapi_component"):
            self.registry.register_on_missing(
                ResolvedComponent(
                    name=field.component,
                    type=ResolvedComponent.SCHEMA,
                    schema=field.openapi_component(),
                    object=type(field),
                )
            )
        meta = self._get_serializer_field_meta(field, direction)
        return append_meta(dict(field.openapi), {name: meta[name] for name in meta if name != "minLength"})

    def _insert_field_validators(self, field: Any, schema: dict[str, Any]) -> None:
        if not hasattr(field, "openapi"):
            super()._insert_field_validators(field, schema)


class Bearer(OpenApiAuthenticationExtension):
    target_class = "api.tokens.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "The `token` of auth/register/ or auth/login/."}


def only_versioned(endpoints: list[Any]) -> list[Any]:
    """Without the schema's own routes."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Shared headers and tags; `security: []` where no token is needed."""
    for operation in (operation for path in result["paths"].values() for operation in path.values()):
        if operation.get("security", [{}]) == [{}]:
            operation["security"] = []
    for schema in result["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            field.pop("readOnly", None)  # responses and requests are separate components
    result["components"]["headers"] = {
        "X-Request-ID": {"description": "What the logs call this request.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
        "WWW-Authenticate": {"schema": {"const": "Bearer"}},
    }
    return {**result, "tags": [{"name": name, "description": words} for name, words in TAGS.items()]}


def _headers(status: str, problems: list[type[Problem]]) -> list[str]:
    names = ["X-Request-ID"]
    if status in ("429", "503") or IdempotencyKeyInUse in problems:
        names.append("Retry-After")
    if status == "401":
        names.append("WWW-Authenticate")
    return names
