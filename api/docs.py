from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from api.fields import Choice
from api.query import Query
from api.views import ApiView

YAML = "application/vnd.oai.openapi"
JSON = "application/vnd.oai.openapi+json"


class PublishedSchema(ApiView):
    """GET /api/schema/: OpenAPI 3.1, as JSON; as YAML by Accept or `?format=yaml`."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer, OpenApiYamlRenderer2]

    class In(Query):
        format = Choice(["json", "yaml"], required=False)

    def get(self, request: Request) -> HttpResponse:
        accepted = request.accepted_renderer
        format_ = self.query.get("format", accepted.format.replace("openapi-", ""))
        return HttpResponse(written(format_), content_type=YAML if format_ == "yaml" else JSON)


class Docs(SpectacularSwaggerSplitView):
    """GET /api/docs/: the schema to read and to try, from files of our own and without a script in the page."""

    authentication_classes: list[Any] = []
    content_negotiation_class = DefaultContentNegotiation
    template_name = "api/docs.html"
    title = "Countersign API"


@cache
def published() -> dict[str, Any]:
    """Half a second, once per process."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@cache
def written(format_: str) -> bytes:
    renderer = OpenApiYamlRenderer() if format_ == "yaml" else OpenApiJsonRenderer()
    text: bytes = renderer.render(published(), renderer_context={})
    return text
