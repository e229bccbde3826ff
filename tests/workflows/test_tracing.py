from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from core.observability.tracing import start
from engine import perform, tracing
from engine.models import Effect, Transition
from tests.api.conftest import Caller
from tests.factories import PaymentFactory, StaffFactory

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
    start()
    assert seen == []

    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://collector.test:4318"
    start()

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


def test_effect_without_a_trace_begins_one(spans, run_effects):
    payment = PaymentFactory()
    run_effects()
    perform(payment.approve, by=StaffFactory())

    run_effects()

    assert spans()["payment.settle"].parent is None


def test_a_failure_shows_in_the_trace(spans, monkeypatch, run_effects):
    def broken(*_):
        raise ValueError("no server")

    monkeypatch.setattr("workflows.mail.sending.EmailMultiAlternatives.send", broken)
    PaymentFactory()
    run_effects()

    failed = spans()["mail.payment_submitted"]
    assert not failed.status.is_ok
    assert failed.events[0].attributes["exception.message"] == "no server"


@pytest.mark.parametrize("given", ["", "x", "00-0-0-0", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"])
def test_malformed_traceparent_begins_a_new_trace(spans, given):
    payment = PaymentFactory()

    approve(payment, traceparent=given)

    assert len(Transition.objects.get(name="approve").trace) == 55


ONE_REQUEST = f"""
import django
django.setup()
from django.test import Client
Client().get("/api/v1/nothing/", headers={{"traceparent": "{CALLER}"}})
"""


def test_a_collector_receives_what_happened():
    """OTLP over HTTP for real: the product's own exporter, which sends what is left when its process ends."""
    with collector() as (endpoint, received):
        ours = {"DJANGO_SETTINGS_MODULE": "core.settings", "DEBUG": "true", "ALLOWED_HOSTS": "testserver"}
        subprocess.run(
            [sys.executable, "-c", ONE_REQUEST],
            env=os.environ
            | ours
            | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"},
            cwd=settings.BASE_DIR,
            timeout=60,
            check=True,
        )

    [(path, kind, body)] = received
    assert (path, kind) == ("/v1/traces", "application/x-protobuf")
    [spans_of_one] = ExportTraceServiceRequest.FromString(body).resource_spans
    resource = {each.key: each.value.string_value for each in spans_of_one.resource.attributes}
    assert (resource["service.name"], resource["deployment.environment"]) == ("countersign", "test")
    [request] = spans_of_one.scope_spans[0].spans
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == ("1" * 32, "2" * 16)
    said = {each.key: each.value.string_value or each.value.int_value for each in request.attributes}
    assert (said["http.request.method"], said["http.response.status_code"]) == ("GET", 404)


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """An endpoint, and what was sent there: path, kind and body of each request."""
    received = list[tuple[str, str, bytes]]()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            received.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
