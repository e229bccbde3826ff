"""Traces from the request to the last effect: `core.tracing`, `workflows.engine.tracing`."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from core import tracing
from core.models import Effect, Transition
from tests.api.conftest import Caller
from tests.factories import PaymentFactory, StaffFactory
from workflows.engine import perform

pytestmark = pytest.mark.django_db

CALLER = "00-11111111111111111111111111111111-2222222222222222-01"


@pytest.fixture
def spans(monkeypatch):
    """Traces are on; all that ended, by name."""
    monkeypatch.setattr(tracing, "tracer", None)
    exporter = InMemorySpanExporter()
    tracing.send_to(SimpleSpanProcessor(exporter))

    def by_name():
        return {span.name: span for span in exporter.get_finished_spans()}

    return by_name


def trace_of(span):
    return f"{span.context.trace_id:032x}"


def approve(payment, **headers):
    answer = Caller(StaffFactory()).post(f"billing/admin/payments/{payment.pk}/approve/", **headers)
    assert answer.status_code == 202


def test_traces_are_off_until_somebody_wants_them(run_effects, django_assert_num_queries):
    payment = PaymentFactory()
    approve(payment, traceparent=CALLER)
    run_effects()

    assert tracing.tracer is None
    assert set(Transition.objects.values_list("trace", flat=True)) == {""}


def test_an_endpoint_turns_them_on(monkeypatch, settings):
    monkeypatch.setattr(tracing, "tracer", None)
    seen = []
    monkeypatch.setattr(tracing, "send_to", seen.append)
    tracing.start()
    assert seen == []

    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.test:4318"
    tracing.start()

    [processor] = seen
    processor.shutdown()


def test_a_trace_leads_from_the_request_to_the_last_mail(spans, run_effects):
    payment = PaymentFactory()
    run_effects()

    approve(payment, traceparent=CALLER)
    run_effects()

    ended = spans()
    request = ended["POST api/v1/billing/admin/payments/<uuid:pk>/approve/"]
    settle, mail = ended["payment.settle"], ended["mail.payment_approved"]
    assert {trace_of(span) for span in (request, settle, mail)} == {"1" * 32}
    assert f"{request.parent.span_id:016x}" == "2" * 16
    assert settle.parent.span_id == request.context.span_id
    assert mail.parent.span_id == settle.context.span_id
    assert request.attributes["http.response.status_code"] == 202
    assert settle.attributes["effect.id"] == str(Effect.objects.get(kind="payment.settle").pk)


def test_effects_of_one_batch_stay_in_their_own_traces(spans, run_effects):
    payments = [PaymentFactory(reference_key=str(n)) for n in range(3)]
    run_effects()
    for n, payment in enumerate(payments, start=1):
        approve(payment, traceparent=f"00-{n:032x}-{n:016x}-01")

    run_effects()

    for n, payment in enumerate(payments, start=1):
        traces = Transition.objects.filter(machine="payment", object_id=payment.pk).exclude(name="begin")
        assert {trace.split("-")[1] for trace in traces.values_list("trace", flat=True)} == {f"{n:032x}"}


def test_what_follows_from_no_trace_begins_one(spans, run_effects):
    payment = PaymentFactory()
    run_effects()
    perform(payment.approve, by=StaffFactory())

    run_effects()

    assert spans()["payment.settle"].parent is None


def test_a_failure_shows_in_the_trace(spans, monkeypatch, run_effects):
    def broken(*_):
        raise ValueError("no server")

    monkeypatch.setattr("workflows.mail.EmailMultiAlternatives.send", broken)
    PaymentFactory()
    run_effects()

    failed = spans()["mail.payment_submitted"]
    assert not failed.status.is_ok
    assert failed.events[0].attributes["exception.message"] == "no server"


@pytest.mark.parametrize("given", ["", "x", "00-0-0-0", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"])
def test_a_traceparent_that_is_none_begins_a_trace(spans, given):
    payment = PaymentFactory()

    approve(payment, traceparent=given)

    assert len(Transition.objects.get(name="approve").trace) == 55
