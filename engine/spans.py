from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import UUID

from engine import tracing
from engine.models import Effect, Transition

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_spans: ContextVar[dict[UUID, Span] | None] = ContextVar("spans", default=None)


@contextmanager
def spans(effects: Sequence[Effect]) -> Iterator[None]:
    """In a batch each effect has its own span, in its own trace."""
    if tracing.tracer is None:
        yield
        return
    from opentelemetry.context import Context
    from opentelemetry.trace import use_span

    causes = {effect.transition_id for effect in effects if effect.transition_id}
    traces = dict(Transition.objects.filter(pk__in=causes).values_list("pk", "trace"))
    with ExitStack() as stack:
        running = {}
        for effect in effects:
            parent = traces.get(effect.transition_id, "")  # type: ignore[arg-type]
            # Without a parent: a trace of its own, whatever span this worker is in.
            context = tracing.context_of(parent) if parent else Context()
            started = tracing.tracer.start_span(effect.kind, context, attributes={"effect.id": str(effect.pk)})
            stack.enter_context(use_span(started, end_on_exit=True))
            running[effect.pk] = started
        token = _spans.set(running)
        try:
            yield
        finally:
            _spans.reset(token)


def trace_for(cause: Effect | Transition | None) -> str:
    """Of the effect that caused the transition, else of the request."""
    if tracing.tracer is None:
        return ""
    running = _spans.get() or {}
    return tracing.traceparent(running.get(cause.pk) if isinstance(cause, Effect) else None)
