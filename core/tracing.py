"""Traces for OpenTelemetry: off, and then one `if`, until OTEL_EXPORTER_OTLP_ENDPOINT says where to send them.

The context travels in the rows (`Transition.trace`), not in messages: a lost ring loses no trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger(__name__)

tracer: Tracer | None = None


def start() -> None:
    """Send traces from now on, if an operator wants them and the extra `otel` is installed."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: there are no traces")
        return
    send_to(BatchSpanProcessor(OTLPSpanExporter()))


def send_to(processor: Any) -> None:
    """Give every finished span to an OpenTelemetry SpanProcessor."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    global tracer
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, read by the SDK, win; without them it makes a name up.
    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "countersign"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("countersign")


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str | int) -> Iterator[Span | None]:
    """A span around the block: below `parent`, a W3C traceparent, else below the one we are in."""
    if tracer is None:
        yield None
        return
    with tracer.start_as_current_span(name, context_of(parent), attributes=attributes) as current:
        yield current


def traceparent(of: Span | None = None) -> str:
    """W3C traceparent of a span, else of the one we are in; empty outside all."""
    if tracer is None:
        return ""
    from opentelemetry import trace

    context = (of or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def context_of(parent: str) -> Any:
    """The OpenTelemetry context that a traceparent stands for; None, the current one, for what is none."""
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


class RequestSpan:
    """Middleware: a span for each request, below the caller's if it sent a traceparent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if tracer is None:
            return self.get_response(request)
        method = request.method or ""
        with span(method, parent=request.headers.get("traceparent", "")) as current:
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
