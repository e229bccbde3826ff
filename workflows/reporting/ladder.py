"""What happens when to an invoice that nobody pays, before a policy is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.models import Account, Invoice, Plan, PlanPrice, Policy, Subscription
from workflows.lifecycle import due_days
from workflows.mail import context
from workflows.mail.rendering import build_email
from workflows.periods import period_end

EXAMPLE_TRIAL = 14  # days, where no plan has a trial


@dataclass(frozen=True)
class Step:
    """subject: of the mail that the customer gets; empty where there is none. days: from the due date."""

    day: date
    what: str
    subject: str = ""
    days: int | None = None


@dataclass(frozen=True)
class Example:
    """A customer who pays monthly; not a row of the database."""

    plan: Plan
    currency: str
    price: Decimal

    @classmethod
    def of_catalogue(cls) -> Example:
        prices = PlanPrice.objects.offered().filter(plan__is_public=True, amount__gt=0, interval="month")
        first = prices.select_related("plan").order_by("plan__position", "-currency").first()
        if first is None:
            return cls(Plan(name="Example", credits=0), "USD", Decimal(10))
        return cls(first.plan, first.currency, first.amount)

    def subscription(self, account: Account) -> Subscription:
        return Subscription(account=account, plan=self.plan, currency=self.currency, price=self.price, interval="month")

    def invoice(self, issued_on: date, due_on: date, **fields: Any) -> Invoice:
        account = Account(name="Example & Sons", language="en")
        return Invoice(
            account=account,
            subscription=self.subscription(account),
            status=Invoice.Status.PENDING,
            number="INV-000123",
            currency=self.currency,
            total=self.price,
            issued_on=issued_on,
            due_on=due_on,
            **fields,
        )


def renewal_ladder(policy: Policy, today: date, example: Example, *, bank_lag_days: int = 0) -> list[Step]:
    """Of a monthly renewal that is issued today."""
    whole = period_end(today, PlanPrice.Interval.MONTH, today.day)
    ahead = today - due_days.renewal_issued_on(today, policy)
    starts = min(today + ahead, whole)  # a longer lead than the period: issued when that begins
    due = due_days.renewal_due_on(starts, today)
    invoice = example.invoice(today, due, purpose=Invoice.Purpose.RENEWAL, period_start=starts)
    past_due = due_days.past_due_on(due_days.waited_for_until(due, today, bank_lag_days))
    suspended = due_days.suspended_on(past_due, policy)
    ended = due_days.ended_on(suspended, policy)
    subscription = invoice.subscription
    assert subscription is not None
    return _in_order(
        [
            *_until(ended, invoice, policy, example),
            Step(past_due, "past_due", _subject("subscription_past_due", subscription, invoice, suspended)),
            Step(suspended, "suspended", _subject("subscription_suspended", subscription, invoice, ended)),
            Step(ended, "ended", _subject("subscription_cancelled", subscription, unpaid=True)),
        ]
    )


def first_ladder(policy: Policy, today: date, example: Example, *, bank_lag_days: int = 0) -> list[Step]:
    """Of somebody who signs up today."""
    due = due_days.first_due_on(today, policy)
    invoice = example.invoice(today, due, purpose=Invoice.Purpose.FIRST)
    lapses = due_days.lapses_on(due_days.waited_for_until(due, today, bank_lag_days), policy)
    return _in_order([*_until(lapses, invoice, policy, example), Step(lapses, "lapsed")])


def trial_ladder(policy: Policy, today: date) -> list[Step]:
    """Of a trial that begins today."""
    plans = Plan.objects.filter(is_public=True, trial_days__gt=0).order_by("position")
    last_day = today + (plans.values_list("trial_days", flat=True).first() or EXAMPLE_TRIAL) * due_days.DAY
    account = Account(name="Example & Sons", trial_ends_on=last_day)
    steps = [
        Step(today, "trial_begins", _subject("trial_started", account)),
        Step(due_days.trial_over_on(last_day), "trial_over", _subject("trial_ended", account, None)),
    ]
    if warned := due_days.trial_warned_on(today, last_day, policy):
        steps.append(Step(warned, "trial_warned", _subject("trial_ending", account)))
    return _in_order(steps)


def _until(over: date, invoice: Invoice, policy: Policy, example: Example) -> Iterator[Step]:
    """What comes before the invoice is void."""
    assert invoice.issued_on is not None
    assert invoice.due_on is not None
    plan = example.plan.name
    yield Step(invoice.issued_on, "issued", _subject("invoice_issued", invoice, plan, []))
    yield Step(invoice.due_on, "due")
    for step, day in due_days.reminded_on(invoice.issued_on, invoice.due_on, policy.reminder_days):
        if day < over:
            yield Step(day, "reminder", _subject("invoice_reminder", invoice, plan, [], days_late=step), step)


def _subject(kind: str, *about: Any, **facts: Any) -> str:
    values = getattr(context, kind)(*about, **facts)
    return build_email(kind, values).subject


def _in_order(steps: list[Step]) -> list[Step]:
    """Of one day as they were named."""
    return sorted(steps, key=lambda step: step.day)
