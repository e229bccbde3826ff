"""OpenTelemetry: off, at the cost of one `if`, until `send_to` is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

tracer: Tracer | None = None


def send_to(processor: Any, *, service: str = "countersign") -> None:
    """`service` is used unless OTEL_SERVICE_NAME is set."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    global tracer
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win; without them the SDK makes a name up.
    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": service}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer(service)


@contextmanager
def span(name: str, *, parent: str = "", **attributes: str | int) -> Iterator[Span | None]:
    """Below `parent`, a W3C traceparent, else below the current span."""
    if tracer is None:
        yield None
        return
    with tracer.start_as_current_span(name, context_of(parent), attributes=attributes) as current:
        yield current


def traceparent(of: Span | None = None) -> str:
    """Of a span, else of the current one; empty outside all."""
    if tracer is None:
        return ""
    from opentelemetry import trace

    context = (of or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def context_of(parent: str) -> Any:
    """None, the current context, if it is empty."""
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})
