from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from core.models import Account, Membership, User
from core.validation.email import canonical_email
from engine import perform, testing
from engine.models import Effect
from tests.factories import PaymentMethodFactory, PlanFactory, StaffFactory
from workflows.actions import claim_payment, record_payment, sign_up
from workflows.periods import database_now
from workflows.reporting.invariants import findings

BILLING = {"billing_email": "bills@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"}


@pytest.fixture
def plans():
    return {
        "free": PlanFactory(code="free", name="Free", trial_days=14, price=Decimal(0)),
        "starter": PlanFactory(code="starter", name="Starter", credits=1000, price=Decimal("89.00")),
        "growth": PlanFactory(code="growth", name="Growth", credits=3000, price=Decimal("189.00")),
    }


@pytest.fixture
def customer(plans, clock, run_effects):
    def sign(plan="starter"):
        signed = sign_up(
            email="ann@acme.test",
            password="a fairly long one",
            account_name="Acme",
            plan=plans[plan].code,
            currency="USD",
            billing=BILLING,
            time_zone="UTC",  # whatever the country: tests that count days do so in the clock's own
            payment_method=PaymentMethodFactory(bank_lag_days=2).code,
        )
        run_effects()
        prove(signed)
        return signed

    return sign


def prove(signed):
    """They follow the link of their mail, and so does who reads the bills: mails wait for nothing."""
    User.objects.filter(pk=signed.user.pk).update(email_verified_at=database_now())
    Account.objects.filter(pk=signed.account.pk).update(proved_email=canonical_email(signed.account.billing_email))
    signed.account.refresh_from_db()


@pytest.fixture
def pay(run_effects):
    staff = StaffFactory
    seen = Counter()

    def pay_(invoice, *, amount=None, settle=True):
        seen["references"] += 1
        owner = Membership.objects.get(account=invoice.account_id, role="owner").user
        invoice.refresh_from_db()
        payment = claim_payment(
            invoice=invoice,
            method=PaymentMethodFactory(),
            amount=amount or invoice.outstanding,
            currency="USD",
            reference=f"R{seen['references']}",
            by=owner,
        )
        if settle:
            perform(payment.approve, by=staff())
            run_effects()
            payment.refresh_from_db()
        return payment

    return pay_


@pytest.fixture
def active(customer, pay):
    def make(plan="starter"):
        signed = customer(plan)
        pay(signed.invoice)
        signed.account.refresh_from_db()
        signed.subscription.refresh_from_db()
        assert signed.account.status == Account.Status.ACTIVE
        return signed

    return make


@pytest.fixture
def controller():
    staff = StaffFactory()
    duties = ["reverse_payment", "void_invoice", "manage_accounts", "adjust_credits"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=duties))
    return staff


@pytest.fixture
def up_to_renewal(clock, live_through):
    """Live to the day on which the next period's invoice is there, or a day that is so many days after the turn."""

    def live(signed, *, after=-7):
        signed.subscription.refresh_from_db()
        live_through((signed.subscription.period_end - clock.today()).days + after)

    return live


@pytest.fixture
def receive(run_effects):
    """Money that staff saw arrive for an invoice, whatever its state."""

    def receive_(invoice, amount, *, reference="SEEN", allocations=None):
        payment = record_payment(
            invoice=invoice,
            method=PaymentMethodFactory(),
            amount=Decimal(amount),
            currency=invoice.currency,
            reference=reference,
            by=StaffFactory(),
        )
        perform(payment.approve, by=StaffFactory(), **({"allocations": allocations} if allocations else {}))
        run_effects()
        payment.refresh_from_db()
        return payment

    return receive_


@pytest.fixture
def books_in_order(transactional_db):
    """Afterwards all work is done, no law is broken, and nothing waits for an operator."""
    yield
    testing.run_effects()
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []
    assert not Effect.objects.filter(state__in=Effect.NEEDS_ATTENTION).exists()
