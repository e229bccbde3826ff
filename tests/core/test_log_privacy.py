"""No log line holds names, secrets or payment details."""

from __future__ import annotations

import io
import json
import logging
import smtplib
import time

import pytest
from django.db import IntegrityError

from core.models import Payment, User
from core.observability.logging import JsonFormatter, TextFormatter, redact
from engine.models import Effect
from tests.api.conftest import Caller
from tests.factories import PaymentFactory, PaymentMethodFactory, PlanFactory, StaffFactory
from workflows.mail.signed_links import RESET

PASSWORD = "correct horse battery"
EMAIL = "ann.smith+bills@acme.test"
ID = "01900000-0000-7000-8000-000000000001"
REFERENCE = "TRACE-0815-4711"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("too many tries for ann.o'hara+x@mail.acme-ltd.test, stop", "too many tries for ***@***, stop"),
        ('{"a@b.test": (550, b"no")}', '{"***@***": (550, b"no")}'),
        ("{'a@b.test': (550, b'no')}", "{'***@***': (550, b'no')}"),
        ("redis://default:hunter2@cache:6379/0 is away", "redis://***@cache:6379/0 is away"),
        ("postgresql://app:p%40ss@db/countersign", "postgresql://***@db/countersign"),
        ("twice\nDETAIL:  Key (email)=(a@b.test) exists.\nHINT: x", "twice\nDETAIL:  ***\nHINT: x"),
        (f"sent <{ID}@demo.test>", f"sent <{ID}@demo.test>"),
        ("/password/reset/" + "a" * 32 + ".c9x-0f/", "/password/reset/***/"),
        ("/i/" + "0f" * 16 + ".ab-" + "Z_" * 20 + "/", "/i/***/"),  # a signed key
        ("/invitation/" + "0f" * 16 + ".1vXyZ0." + "Z-" * 21 + "Z/", "/invitation/***/"),
        ("Bearer " + "0f" * 32, "Bearer ***"),
        (f"payment {ID} by None", f"payment {ID} by None"),
        ("nobody @ home, 5 @ 3", "nobody @ home, 5 @ 3"),
    ],
)
def test_log_hides_personal_data_and_nothing_else(said, shown):
    assert redact(said) == shown


def test_a_long_line_is_looked_through_quickly():
    started = time.monotonic()
    for text in ("a" * 200_000, "a." * 100_000, "a@" * 100_000, "a@b." * 50_000, "0" * 200_000):
        redact(text)

    assert time.monotonic() - started < 2


@pytest.fixture
def logged():
    """All that either formatter writes from here on, at DEBUG: `logged()`."""
    streams, handlers, root = [io.StringIO(), io.StringIO()], [], logging.getLogger()
    for stream, formatter in zip(
        streams, (JsonFormatter(), TextFormatter("%(levelname)s %(name)s: %(message)s")), strict=True
    ):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        root.addHandler(handler)
        handlers.append(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield lambda: "".join(stream.getvalue() for stream in streams)
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


@pytest.mark.django_db(transaction=True)
def test_a_customer_s_whole_way_leaves_nothing_of_theirs_in_the_log(logged, run_effects, monkeypatch, client, settings):
    PlanFactory()
    PaymentMethodFactory()
    anybody = Caller()
    signed_up = anybody.post(
        "auth/register/",
        {
            "email": EMAIL,
            "password": PASSWORD,
            "account_name": "Smith and Daughters",
            "plan": "starter",
            "payment_method": "us_bank",
            "billing_email": "bills@acme.test",
            "address_line1": "7 Elm Road",
            "city": "Springfield",
            "state": "IL",
            "postal_code": "62701",
            "country": "US",
            "tax_id": "12-3456789",
        },
    )
    assert signed_up.status_code == 201, signed_up.content
    token, user = signed_up.json()["token"], User.objects.get()
    anybody.post("auth/login/", {"email": EMAIL, "password": "a wrong password"})
    customer = Caller(user)
    claim = {
        "invoice_id": signed_up.json()["invoice"]["id"],
        "payment_method": "us_bank",
        "amount": "89.00",
        "manual_reference": REFERENCE,
        "payer_name": "Ann Smith",
        "manual_notes": "from my aunt",
    }
    assert customer.post("billing/admin/payments/confirm/", claim).status_code == 201
    assert customer.post("billing/admin/payments/confirm/", claim).status_code == 409
    link = RESET.token_of(user)
    client.get(f"/password/reset/{link}x/")
    client.get(f"/nowhere/{link}/?email={EMAIL}")
    staff = Caller(StaffFactory())

    def refused(*_):
        raise smtplib.SMTPRecipientsRefused({"bills@acme.test": (450, b"later, bills@acme.test")})

    monkeypatch.setattr("workflows.mail.sending.EmailMultiAlternatives.send", refused)
    run_effects()

    def twice(*_, **__):
        raise IntegrityError(f"duplicate key\nDETAIL:  Key (reference_key)=({REFERENCE}) already exists.")

    monkeypatch.setattr("workflows.actions.decisions.perform", twice)
    assert staff.post(f"billing/admin/payments/{Payment.objects.get().pk}/approve/").status_code == 500

    text = logged()
    assert "SMTPRecipientsRefused" in text  # there was something to hide
    assert "duplicate key" in text
    assert "/nowhere/" in text
    mine = [
        EMAIL,
        "bills@acme.test",
        PASSWORD,
        "a wrong password",
        token,
        link,
        REFERENCE,
        "TRACE08154711",
        "Ann Smith",
    ]
    mine += ["Smith and Daughters", "7 Elm Road", "12-3456789", "my aunt", settings.SECRET_KEY]
    assert [word for word in mine if word.lower() in text.lower()] == []
    for line in text.splitlines():
        if line.startswith("{"):
            assert json.loads(line)["message"]


@pytest.mark.django_db
def test_the_story_of_an_effect_names_nobody_either(run_effects, monkeypatch):
    def refused(*_):
        raise smtplib.SMTPRecipientsRefused({"bills@acme.test": (450, b"later")})

    PaymentFactory()
    monkeypatch.setattr("workflows.mail.sending.EmailMultiAlternatives.send", refused)
    run_effects()

    failed = Effect.objects.get(kind="mail.payment_submitted")
    assert "SMTPRecipientsRefused" in failed.last_error
    assert "acme.test" not in failed.last_error
    assert "acme.test" not in failed.events.get().detail
