"""The laws of money and credits, whatever people do in whatever order, and however much time passes between."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.transaction import atomic, set_rollback
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.models import Account, Invoice, Payment
from core.problems import Problem
from tests.clock import Clock
from tests.factories import PaymentMethodFactory, PlanFactory, StaffFactory
from workflows.actions import cancel_at_period_end, choose_plan, claim_payment, record_payment, sign_up
from workflows.engine import perform, run_due, sweep
from workflows.ledger import consume

LAWS = {
    "allocations never exceed an invoice's total and are what it says": """
        SELECT i.id FROM core_invoice i LEFT JOIN core_allocation a ON a.invoice_id = i.id GROUP BY i.id
        HAVING coalesce(sum(a.amount), 0) <> i.allocated OR coalesce(sum(a.amount), 0) > i.total""",
    "an invoice's status is what was allocated": """
        SELECT id FROM core_invoice WHERE status <> CASE
            WHEN status IN ('draft', 'void', 'uncollectible') THEN status
            WHEN allocated + written_off = total THEN 'paid'
            WHEN allocated > 0 THEN 'partially_paid' ELSE 'pending' END""",
    "all that was received has its place": """
        SELECT p.id FROM core_payment p WHERE p.status IN ('succeeded', 'reversed') AND
            (SELECT coalesce(sum(amount), 0) FROM core_allocation WHERE payment_id = p.id)
            + (SELECT coalesce(sum(amount), 0) FROM core_balanceentry WHERE payment_id = p.id)
            <> CASE p.status WHEN 'succeeded' THEN p.received ELSE 0 END""",
    "no payment owes a balance": """
        SELECT payment_id FROM core_balanceentry GROUP BY payment_id HAVING sum(amount) < 0""",
    "the cached credits are the ledger's": """
        SELECT a.id FROM core_account a LEFT JOIN core_creditentry e ON e.account_id = a.id GROUP BY a.id
        HAVING coalesce(sum(e.amount), 0) <> a.credits OR a.credits < 0""",
    "a period is granted once": """
        SELECT key FROM core_creditentry WHERE kind = 'grant' GROUP BY account_id, key HAVING count(*) > 1""",
    "an account lives by a subscription": """
        SELECT a.id FROM core_account a WHERE a.status = 'active' AND NOT EXISTS (
            SELECT FROM core_subscription s WHERE s.account_id = a.id AND s.status = 'active')""",
    "nothing is stuck": "SELECT id FROM core_effect WHERE state IN ('dead', 'uncertain')",
    "every status is its last transition's": """
        SELECT p.id FROM core_payment p WHERE status <> (SELECT target FROM core_transition t
            WHERE t.object_id = p.id ORDER BY seq DESC LIMIT 1)""",
}

CENTS = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
ANY = st.integers(0, 2**16)


class House(RuleBasedStateMachine):
    """One customer, some staff, and time."""

    @initialize(plan=st.sampled_from(["free", "starter"]), tolerance=st.sampled_from([0, 10]))
    def open_up(self, plan: str, tolerance: int) -> None:
        self.clock = Clock()
        self.plans = {
            "free": PlanFactory(code="free", name="Free", trial_days=14, price=Decimal(0)),
            "starter": PlanFactory(code="starter", name="Starter", price=Decimal("89.00")),
            "growth": PlanFactory(code="growth", name="Growth", credits=3000, price=Decimal("189.00")),
        }
        self.method = PaymentMethodFactory(
            tolerance_percent=Decimal(tolerance), tolerance_max=Decimal(tolerance), bank_lag_days=1
        )
        self.staff = StaffFactory()
        self.staff.user_permissions.add(*Permission.objects.filter(codename__in=["reverse_payment", "void_invoice"]))
        self.clerk = StaffFactory()
        signed = sign_up(
            email="ann@acme.test",
            password="a fairly long one",
            account_name="Acme",
            plan=self.plans[plan],
            currency="USD",
            billing={"billing_email": "b@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"},
        )
        self.account, self.owner = signed.account, signed.user
        self.references = 0
        self.work()

    @rule(which=ANY, amount=CENTS, exact=st.booleans())
    def claim(self, which: int, amount: Decimal, exact: bool) -> None:
        invoice = self.some(Invoice.objects.all(), which)
        if invoice is not None:
            self.references += 1
            amount = invoice.outstanding if exact and invoice.outstanding > 0 else amount
            self.attempt(
                lambda: claim_payment(
                    invoice=invoice,
                    method=self.method,
                    amount=amount,
                    currency="USD",
                    reference=f"R{self.references}",
                    by=self.owner,
                )
            )

    @rule(which=ANY, amount=CENTS)
    def record(self, which: int, amount: Decimal) -> None:
        invoice = self.some(Invoice.objects.exclude(status="draft"), which)
        if invoice is not None:
            self.references += 1
            self.attempt(
                lambda: record_payment(
                    invoice=invoice,
                    method=self.method,
                    amount=amount,
                    currency="USD",
                    reference=f"R{self.references}",
                    by=self.clerk,
                )
            )

    @rule(which=ANY, received=st.none() | CENTS)
    def approve(self, which: int, received: Decimal | None) -> None:
        payment = self.some(Payment.objects.filter(status="pending_approval"), which)
        if payment is not None:
            self.attempt(lambda: perform(payment.approve, by=self.staff, received=received or payment.amount))

    @rule(which=ANY, verb=st.sampled_from(["reject", "reverse", "withdraw"]))
    def say_no(self, which: int, verb: str) -> None:
        payment = self.some(Payment.objects.all(), which)
        inputs = {"reject": {"reason_code": "other"}, "reverse": {"reason_given": "bounced"}, "withdraw": {}}[verb]
        if payment is not None:
            by = self.owner if verb == "withdraw" else self.staff
            self.attempt(lambda: perform(getattr(payment, verb), by=by, **inputs))

    @rule(which=ANY, verb=st.sampled_from(["void", "write_off"]))
    def close_an_invoice(self, which: int, verb: str) -> None:
        invoice = self.some(Invoice.objects.all(), which)
        if invoice is not None:
            self.attempt(lambda: perform(getattr(invoice, verb), by=self.staff))

    @rule(plan=st.sampled_from(["starter", "growth"]))
    def choose(self, plan: str) -> None:
        self.attempt(lambda: choose_plan(self.account, self.plans[plan], by=self.owner, method=self.method))

    @rule(at_period_end=st.booleans())
    def cancel(self, at_period_end: bool) -> None:
        subscription = self.account.subscriptions.order_by("-id").first()
        if subscription is not None and at_period_end:
            self.attempt(lambda: cancel_at_period_end(subscription, by=self.owner))
        elif subscription is not None:
            self.attempt(lambda: perform(subscription.cancel, by=self.owner))

    @rule(amount=st.integers(1, 1500), reference=st.integers(0, 5))
    def use_credits(self, amount: int, reference: int) -> None:
        self.attempt(lambda: consume(Account.objects.get(), amount, reference=str(reference)))

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.clock.advance(days=days)
        self.work()

    @rule()
    def work(self) -> None:
        while sum(run_due(ids) for ids in sweep()) + run_due():
            pass

    @invariant()
    def the_laws_hold(self) -> None:
        with connection.cursor() as cursor:
            for law, broken in LAWS.items():
                if not hasattr(self, "clock") or (law.startswith("all that") and self.is_unsettled()):
                    continue
                cursor.execute(broken)
                assert not cursor.fetchall(), law

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.work()
            self.the_laws_hold()
            self.clock.stop()

    def is_unsettled(self) -> bool:
        """A reversal gives its money back in an effect of its own."""
        return Payment.objects.filter(status="reversed").exists()

    def some(self, rows, which: int):
        found = list(rows.order_by("pk"))
        return found[which % len(found)] if found else None

    def attempt(self, act) -> None:
        """People try what they like; a Problem is an answer, and changes nothing."""
        try:
            with atomic():
                act()
        except Problem:
            pass


@pytest.mark.django_db
def test_whatever_people_do_the_laws_hold():
    class InSavepoint(House):
        def __init__(self) -> None:
            super().__init__()
            self.block = atomic()
            self.block._from_testcase = True  # as the test's own: what runs outside must not mind it
            self.block.__enter__()

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                set_rollback(True)
                self.block.__exit__(None, None, None)

    run_state_machine_as_test(
        InSavepoint,
        settings=settings(
            max_examples=int(os.environ.get("LAW_EXAMPLES", "15")),
            stateful_step_count=20,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
