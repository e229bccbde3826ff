"""How many of our functions a request passes through."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.problems import check_all
from engine import perform
from engine.problems import WrongState
from tests.factories import PaymentFactory, PaymentMethodFactory, PlanFactory, StaffFactory
from workflows.actions import sign_up

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
PARTS = ("api", "web", "workflows", "core")
SHAPE = {"api/fields.py", "api/middleware.py", "api/parsers.py", "api/query.py"}
ANN = {
    "email": "ann@acme.test",
    "password": "a fairly long one",
    "account_name": "Acme",
    "plan": "starter",
    "payment_method": "us_bank",
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "city": "Springfield",
    "country": "US",
}


def place(code):
    path = Path(code.co_filename)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""


class Trip:
    """The calls that view and verbs make of functions of ours, from the view on until `sign_up` is back.

    What the rules of `core` call among themselves, the engine, and the shape of the body are not counted.
    """

    def __init__(self):
        self.stays, self.is_over = [], False

    def __enter__(self):
        sys.setprofile(self.look)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def look(self, frame, event, _):
        code = frame.f_code
        if event == "return" and code is sign_up.__code__:
            self.is_over = True
        if event != "call" or self.is_over or code.co_name.startswith("<"):
            return
        here, caller = place(code), frame.f_back
        while caller is not None and (not place(caller.f_code) or caller.f_code is check_all.__code__):
            caller = caller.f_back
        there = place(caller.f_code) if caller is not None else ""
        is_ours = here.startswith(PARTS) and there.startswith(("api", "web", "workflows"))
        if is_ours and not {here, there} & SHAPE:
            self.stays.append(f"{here}: {code.co_qualname}")


def test_sign_up_passes_through_few_functions(client):
    PlanFactory()
    PaymentMethodFactory()
    client.post("/api/v1/auth/register/", ANN | {"email": "first@acme.test"}, content_type="application/json")

    with Trip() as trip:
        answer = client.post("/api/v1/auth/register/", ANN, content_type="application/json")

    assert answer.status_code == 201
    stays = [stay for stay in trip.stays if not stay.startswith("api/views.py")]
    stays = [stay for stay in stays if not stay.startswith("workflows/tax/")]  # arithmetic, as core/money.py
    rules = [stay for stay in stays if not stay.startswith(("core/validation/text.py", "core/money.py"))]
    assert len(rules) == len(set(rules)), "no rule is asked twice"
    assert stays[0] == "workflows/actions/sign_up.py: sign_up", "the view checks nothing"
    assert len([stay for stay in stays if not stay.startswith("core/")]) <= 24, stays


READS = 'SELECT "core_payment"."id", "core_payment"."version"'


def test_approval_reads_the_payment_once_under_lock(run_effects):
    payment, staff = PaymentFactory(), StaffFactory()
    run_effects()

    with CaptureQueriesContext(connection) as asked:
        perform(payment.approve, by=staff)
        run_effects()

    payment.refresh_from_db()
    assert payment.status == "succeeded"
    texts = [query["sql"].strip() for query in asked if query["sql"]]
    _approved, settled, *_ = [n for n, text in enumerate(texts) if text.startswith("WITH step")]
    reads = [text for text in texts[:settled] if text.startswith(READS)]
    assert [text.endswith('FOR NO KEY UPDATE OF "core_payment"') for text in reads] == [True]


def test_refused_copy_is_read_once():
    payment, staff = PaymentFactory(), StaffFactory()
    copy = type(payment).objects.get(pk=payment.pk)
    perform(payment.approve, by=staff, received=Decimal("80.00"))

    with CaptureQueriesContext(connection) as asked, pytest.raises(WrongState):
        perform(copy.approve, by=staff)

    assert len([query for query in asked if query["sql"].startswith(READS)]) == 1
    assert (copy.status, copy.version, copy.received) == ("approved", payment.version, Decimal("80.00"))
