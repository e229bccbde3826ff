from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from core.models import Invoice, PayeeVersion, PaymentMethod
from core.problems import Conflict, Problem, WrongState
from engine import run_due, schedule
from engine.models import Effect
from tests.factories import InvoiceFactory, PaymentMethodFactory
from tests.workflows.test_payees import OURS, SEND, ask, holder, in_force, seen
from tests.workflows.test_races import at_once
from workflows.actions.payment_methods import confirm_payee, withdraw_payee
from workflows.security.payee_effects import apply_payee_version

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_in_order"),
    pytest.mark.guards("S10", "workflows.actions.payment_methods"),
]


@pytest.fixture
def method():
    method = PaymentMethodFactory(fields=OURS, instructions=SEND)
    InvoiceFactory(payment_method=method)
    return method


@pytest.fixture
def people():
    return [holder(email=f"{name}@staff.test") for name in ("ann", "bob", "cid")]


def waited(version):
    """As if it had been asked for long ago, which only the owner of the tables can say."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_payeeversion DISABLE TRIGGER USER")
        PayeeVersion.objects.filter(pk=version.pk).update(asked_at=version.asked_at - timedelta(hours=5))
        cursor.execute("ALTER TABLE core_payeeversion ENABLE TRIGGER USER")
    version.refresh_from_db()
    return version


def test_of_two_concurrent_requests_one_is_pending(method, people):
    ann, bob, _ = people

    outcomes = at_once(lambda: ask(method, ann), lambda: ask(method, bob))

    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "PayeeVersion"]
    assert any(isinstance(each, Conflict) for each in outcomes)
    assert PayeeVersion.objects.waiting().count() == 1


def test_of_two_concurrent_confirmations_one_counts(method, people):
    ann, bob, cid = people
    version = ask(method, ann)

    outcomes = at_once(lambda: confirm_payee(version, by=bob), lambda: confirm_payee(version, by=cid))

    assert [isinstance(each, WrongState) for each in outcomes].count(True) == 1
    assert Effect.objects.filter(key=f"payee.put_in_force:{version.pk}:confirmed").count() == 1


@pytest.mark.parametrize("turn", range(4))
def test_withdrawn_or_in_force_and_never_both(method, people, turn):
    ann, bob, _ = people
    version = waited(confirm_payee(ask(method, ann), by=bob))
    schedule(apply_payee_version, key=f"now:{turn}", payload={"version": str(version.pk)})
    schedule(apply_payee_version, key=f"now again:{turn}", payload={"version": str(version.pk)})

    outcomes = at_once(run_due, run_due, lambda: withdraw_payee(version, by=bob))

    version.refresh_from_db()
    is_withdrawn = not any(isinstance(each, Problem) for each in outcomes)
    assert (version.withdrawn_at is not None, version.in_force_at is None) == (is_withdrawn, is_withdrawn)
    assert in_force(method) == ("12345678" if is_withdrawn else "99999999")
    told = Effect.objects.filter(key=f"payee_changed:{version.pk}:in_force").count()
    assert told == (0 if is_withdrawn else 1)


def test_invoices_that_are_issued_while_a_payee_comes_into_force_keep_what_they_show(method, people):
    ann, bob, _ = people
    version = waited(confirm_payee(ask(method, ann), by=bob))
    schedule(apply_payee_version, key="now", payload={"version": str(version.pk)})

    outcomes = at_once(run_due, lambda: InvoiceFactory(payment_method=PaymentMethod.objects.get()))
    issued = next(each for each in outcomes if isinstance(each, Invoice))

    assert seen(issued) == ["12345678"]
    assert in_force(method) == "99999999"
