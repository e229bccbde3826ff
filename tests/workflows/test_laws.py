"""The laws of money and credits under any sequence of actions and any passing of time.

After each step every invariant of `workflows.reporting.invariants` is asked, and nothing may be stuck. LAW_EXAMPLES and
LAW_STEPS in the environment make it try more, LAW_SHRINK looks for the shortest way to a failure.
"""

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

from core.models import Account, Invoice, Payment, PlanPrice
from core.money import quantize
from core.problems import Problem
from engine import perform, perform_many, run_due, sweep
from engine.models import Effect
from tests.clock import Clock
from tests.factories import PaymentMethodFactory, PlanFactory, StaffFactory
from workflows.actions import cancel_at_period_end, choose_plan, claim_payment, record_payment, reverse_payment, sign_up
from workflows.actions.credits import adjust, consume
from workflows.reporting.invariants import findings

PRICES = {"USD": ("89.00", "189.00"), "JPY": ("9800", "20900"), "KWD": ("27.250", "58.125")}
SHARES = st.integers(1, 350).map(lambda percent: Decimal(percent) / 100)  # of the price of a month
ANY = st.integers(0, 2**16)


class Business(RuleBasedStateMachine):
    """One customer, some staff, and time."""

    @initialize(
        plan=st.sampled_from(["free", "starter"]),
        tolerance=st.sampled_from([0, 5]),
        currency=st.sampled_from(list(PRICES)),
    )
    def open_up(self, plan: str, tolerance: int, currency: str) -> None:
        self.clock = Clock()
        self.currency = currency
        self.plans = {
            "free": PlanFactory(code="free", name="Free", trial_days=14, price=Decimal(0)),
            "starter": PlanFactory(code="starter", name="Starter", price=Decimal("89.00")),
            "growth": PlanFactory(code="growth", name="Growth", credits=3000, price=Decimal("189.00")),
        }
        for code, price in zip(("starter", "growth"), PRICES[currency], strict=True):
            PlanPrice.objects.get_or_create(
                plan=self.plans[code], currency=currency, defaults={"amount": Decimal(price)}
            )
        PlanPrice.objects.get_or_create(plan=self.plans["free"], currency=currency, defaults={"amount": 0})
        self.method = PaymentMethodFactory(
            tolerance_percent=Decimal(tolerance), tolerance_max=Decimal(tolerance), bank_lag_days=1
        )
        self.staff = StaffFactory()
        duties = ["reverse_payment", "void_invoice", "adjust_credits", "manage_accounts"]
        self.staff.user_permissions.add(*Permission.objects.filter(codename__in=duties))
        self.clerk = StaffFactory()
        signed = sign_up(
            email="ann@acme.test",
            password="a fairly long one",
            account_name="Acme",
            plan=self.plans[plan].code,
            currency=currency,
            billing={"billing_email": "b@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"},
        )
        self.account, self.owner = signed.account, signed.user
        self.references = 0
        self.work()

    @rule(which=ANY, share=SHARES, exact=st.booleans(), currency=st.sampled_from([None, None, None, *PRICES]))
    def claim(self, which: int, share: Decimal, exact: bool, currency: str | None) -> None:
        invoice = self.some(Invoice.objects.all(), which)
        if invoice is not None:
            self.references += 1
            currency = currency or self.currency
            amount = invoice.outstanding if exact and invoice.outstanding > 0 else self.money(share, currency)
            self.attempt(
                lambda: claim_payment(
                    invoice=invoice,
                    method=self.method,
                    amount=amount,
                    currency=currency,
                    reference=f"R{self.references}",
                    by=self.owner,
                )
            )

    @rule(which=ANY, share=SHARES)
    def record(self, which: int, share: Decimal) -> None:
        invoice = self.some(Invoice.objects.exclude(status="draft"), which)
        if invoice is not None:
            self.references += 1
            self.attempt(
                lambda: record_payment(
                    invoice=invoice,
                    method=self.method,
                    amount=self.money(share, self.currency),
                    currency=self.currency,
                    reference=f"R{self.references}",
                    by=self.clerk,
                )
            )

    @rule(which=ANY, share=st.none() | SHARES, spread=st.booleans())
    def approve(self, which: int, share: Decimal | None, spread: bool) -> None:
        payment = self.some(Payment.objects.filter(status="pending_approval"), which)
        if payment is not None:
            received = self.money(share, payment.currency) if share else payment.amount
            lines = []
            for invoice in Invoice.objects.filter(currency=payment.currency).order_by("-pk")[:2] if spread else ():
                amount = min(invoice.total, received - sum(Decimal(line["amount"]) for line in lines))
                lines.append({"invoice": str(invoice.pk), "amount": f"{amount:f}"})
            self.attempt(lambda: perform(payment.approve, by=self.staff, received=received, allocations=lines))

    @rule()
    def approve_all(self) -> None:
        waiting = list(Payment.objects.awaiting_review())
        self.attempt(lambda: perform_many([payment.approve for payment in waiting], by=self.staff))

    @rule(which=ANY, verb=st.sampled_from(["reject", "reverse", "withdraw"]))
    def say_no(self, which: int, verb: str) -> None:
        payment = self.some(Payment.objects.all(), which)
        inputs = {"reject": {"reason_code": "other"}, "reverse": {"reason_given": "bounced"}, "withdraw": {}}[verb]
        if payment is not None:
            by = self.owner if verb == "withdraw" else self.staff
            self.attempt(lambda: perform(getattr(payment, verb), by=by, **inputs))

    @rule(which=ANY, share=st.integers(1, 120))
    def reverse_a_part(self, which: int, share: int) -> None:
        payment = self.some(Payment.objects.filter(status="succeeded"), which)
        if payment is not None:
            amount = quantize(payment.received * share / 100, payment.currency)
            self.attempt(lambda: reverse_payment(payment, by=self.staff, reason_given="bounced", amount=amount))

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
        self.attempt(lambda: consume(Account.objects.get(), amount, reference=str(reference), by=self.owner))

    @rule(amount=st.integers(-500, 500).filter(bool))
    def adjust_credits(self, amount: int) -> None:
        self.attempt(lambda: adjust(self.account, amount, reason="by hand", by=self.staff))

    @rule(sure=st.integers(0, 9))
    def close(self, sure: int) -> None:
        if sure == 0:
            self.attempt(lambda: perform(Account.objects.get().close, by=self.staff))

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
        if not hasattr(self, "clock"):
            return
        with connection.cursor() as cursor:
            assert list(findings(cursor)) == []
        assert list(Effect.objects.filter(state__in=Effect.NEEDS_ATTENTION).values_list("kind", "last_error")) == []

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.work()
            self.the_laws_hold()
            self.clock.stop()

    def money(self, share: Decimal, currency: str) -> Decimal:
        """A share of the starter's price, in coins that there are."""
        return quantize(Decimal(PRICES[currency][0]) * share, currency)

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
def test_laws_hold_for_any_sequence_of_actions():
    class InSavepoint(Business):
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
            stateful_step_count=int(os.environ.get("LAW_STEPS", "20")),
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, *([Phase.shrink] if "LAW_SHRINK" in os.environ else [])],  # takes minutes
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
