from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from examples.api_client import Countersign, Refused
from stack.application import Application
from tests.stories.api_client import BILLING, PASSWORD

pytestmark = pytest.mark.xdist_group("stories")


@pytest.fixture
def nobody(application: Application) -> Iterator[Countersign]:
    with Countersign(application.url) as nobody:
        yield nobody


def address() -> str:
    return f"client-{uuid4().hex[:12]}@acme.test"


def test_client_signs_up_confirms_is_approved_and_consumes(nobody: Countersign):
    signed_up = nobody.register(address(), PASSWORD, "Acme", plan="starter", **BILLING)
    with nobody.as_caller(signed_up["token"]) as customer, nobody.login("approver@demo.test", PASSWORD) as staff:
        (invoice,) = customer.invoices()
        method = next(customer.payment_methods(BILLING["country"]))
        payment = customer.confirm(invoice, method["code"], reference="TRACE-1")
        assert payment["id"] in [waiting["id"] for waiting in staff.queue(status="pending_approval")]

        settled = staff.approve(payment, admin_notes="seen")

        assert settled["status"] == "succeeded"
        assert customer.account()["status"] == "active"
        entry = customer.consume(10, reference="report-1")
        assert entry["balance_after"] == 990
        assert customer.consume(10, reference="report-1") == entry


def test_refusals_of_the_api_name_their_reason(nobody: Countersign):
    signed_up = nobody.register(address(), PASSWORD, "Acme")
    with nobody.as_caller(signed_up["token"]) as customer, pytest.raises(Refused) as refused:
        customer.consume(1001, reference="too-much")

    assert (refused.value.status, refused.value.slug) == (402, "insufficient-credits")

    with pytest.raises(Refused) as refused:
        nobody.register("nobody", PASSWORD, "Acme")

    assert refused.value.slug == "validation-error"
    assert list(refused.value.errors) == ["email"]


def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(nobody: Countersign):
    signed_up = nobody.register(address(), PASSWORD, "Acme")

    class LosesTheFirstAnswer(httpx.BaseTransport):
        """A network that carries the request, and drops what comes back."""

        def __init__(self, network: httpx.BaseTransport) -> None:
            self.network, self.sent = network, 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = self.network.handle_request(request)
            self.sent += 1
            if self.sent == 1:
                answer.close()
                raise httpx.ReadError("the line went dead", request=request)
            return answer

        def close(self) -> None:
            self.network.close()

    with nobody.as_caller(signed_up["token"]) as customer:
        industry = customer.get("industries/")["results"][0]["id"]
        customer.http._transport = network = LosesTheFirstAnswer(customer.http._transport)
        site = customer.post("sites/", name="Shop", industry=industry)

        assert network.sent == 2
        assert list(customer.rows("sites/")) == [site]
