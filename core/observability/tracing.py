from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from engine import tracing

log = logging.getLogger(__name__)


def start() -> None:
    """Only if OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otel` is installed."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: there are no traces")
        return
    tracing.send_to(BatchSpanProcessor(OTLPSpanExporter()))


class RequestSpanMiddleware:
    """A child of the caller's span if it sent a traceparent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if tracing.tracer is None:
            return self.get_response(request)
        method = request.method or ""
        with tracing.span(method, parent=request.headers.get("traceparent", "")) as current:
            response = self.get_response(request)
            if current is not None:
                route = request.resolver_match.route if request.resolver_match else ""
                current.update_name(f"{method} {route}")
                current.set_attributes(
                    {
                        "http.request.method": method,
                        "http.route": route,
                        "http.response.status_code": response.status_code,
                    }
                )
        return response
