from __future__ import annotations

from uuid import uuid4

import pytest

from stack.application import Application
from tests.application import reviewers_have_heard_of_nothing
from tests.stories.api_client import BILLING, ApiClient, eventually

pytestmark = pytest.mark.xdist_group("stories")


def address() -> str:
    return f"customer-{uuid4().hex[:12]}@acme.test"


def test_a_free_trial_starts_at_once(api: ApiClient):
    customer, answer = api.signed_up(address())

    assert answer["account"]["status"] == "trial"
    assert answer["account"]["credits"] == 1000
    assert answer["subscription"] is None
    assert answer["invoice"] is None
    assert customer.get("billing/invoices/").json()["results"] == []
    assert customer.get("billing/subscriptions/").json()["results"] == []
    assert eventually(lambda: api.mails("trial_started", to=answer["user"]["email"]))


def test_a_paid_sign_up_is_active_after_staff_countersign(api: ApiClient, application: Application):
    billing = {**BILLING, "billing_email": address()}
    customer, answer = api.signed_up(address(), plan="starter", payment_method="us_bank", **billing)
    assert answer["account"]["status"] == "pending_payment"
    assert answer["account"]["credits"] == 0
    assert answer["subscription"]["status"] == "pending_payment"
    invoice = answer["invoice"]
    assert invoice["status"] == "pending"
    assert invoice["total"] == "89.00"
    assert invoice["metadata"]["subscription_id"] == answer["subscription"]["id"]
    snapshot = invoice["metadata"]["billing_snapshot"]
    assert {name: snapshot[name] for name in billing} == billing
    assert (snapshot["plan"], snapshot["price"], snapshot["currency"]) == ("starter", "89.00", "USD")

    methods = customer.get("billing/admin/payment-methods/?country=US").json()["results"]
    assert methods[0]["code"] == "us_bank"
    reviewers_have_heard_of_nothing(application)
    claim = customer.post(
        "billing/admin/payments/confirm/",
        {
            "invoice_id": invoice["id"],
            "payment_method": "us_bank",
            "amount": "89.00",
            "manual_reference": "TRACE-4711",
            "manual_notes": "sent this morning",
            "proof_url": "https://files.acme.test/slip.png",
        },
    )
    assert claim.status_code == 201, claim.text
    payment = claim.json()
    assert payment["status"] == "pending_approval"
    assert customer.get("account/").json()["status"] == "pending_payment"
    assert eventually(lambda: api.mails("payment_submitted", to="reviewer@demo.test"))

    approver = api.signed_in("approver@demo.test")
    decision = approver.post(
        f"billing/admin/payments/{payment['id']}/approve/", {"admin_notes": "seen"}, Prefer="wait=20"
    )
    assert decision.status_code == 200, decision.text
    assert decision.json()["status"] == "succeeded"

    account = customer.get("account/").json()
    assert account["status"] == "active"
    assert account["credits"] == 1000
    assert customer.get(f"billing/invoices/{invoice['id']}/").json()["status"] == "paid"
    assert customer.get(f"billing/subscriptions/{answer['subscription']['id']}/").json()["status"] == "active"
    entries = customer.get("credits/entries/").json()["results"]
    assert [entry["amount"] for entry in entries] == [1000]
    (mail,) = eventually(lambda: api.mails("payment_approved", to=billing["billing_email"]))
    assert mail["Message-ID"].endswith("@demo.test>")
    history = customer.get(f"billing/payments/{payment['id']}/transitions/").json()["results"]
    assert [f"{step['machine']}.{step['name']}" for step in history if step["machine"] != "document"] == [
        "payment.begin",
        "payment.approve",
        "payment.settle",
        "invoice.pay",
        "subscription.activate",
        "account.activate",
    ]
    again = approver.post(f"billing/admin/payments/{payment['id']}/approve/")
    assert again.status_code == 409
    assert again.json()["type"] == "/problems/wrong-state"


def test_a_rejected_customer_tries_again(api: ApiClient):
    billing = {**BILLING, "billing_email": address()}
    customer, answer = api.signed_up(address(), plan="starter", **billing)
    claim = {"invoice_id": answer["invoice"]["id"], "payment_method": "bank_transfer", "amount": "89.00"}
    approver = api.signed_in("approver@demo.test")
    first = customer.post("billing/admin/payments/confirm/", {**claim, "manual_reference": "WRONG-1"}).json()

    rejection = approver.post(
        f"billing/admin/payments/{first['id']}/reject/",
        {"reason_code": "not_received", "admin_notes": "Nothing with this reference."},
    )

    assert rejection.status_code == 200, rejection.text
    assert rejection.json()["status"] == "failed"
    assert customer.get(f"billing/invoices/{claim['invoice_id']}/").json()["status"] == "pending"
    assert customer.get("account/").json()["status"] == "pending_payment"
    (mail,) = eventually(lambda: api.mails("payment_rejected", to=billing["billing_email"]))
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Nothing with this reference." in body.get_content()

    second = customer.post("billing/admin/payments/confirm/", {**claim, "manual_reference": "RIGHT-2"})
    assert second.status_code == 201, second.text
    assert second.json()["retry_of"] == first["id"]
    decision = approver.post(f"billing/admin/payments/{second.json()['id']}/approve/", Prefer="wait=20")
    assert decision.json()["status"] == "succeeded", decision.text
    assert customer.get("account/").json()["status"] == "active"
    assert customer.get(f"billing/payments/{first['id']}/").json()["status"] == "failed"
