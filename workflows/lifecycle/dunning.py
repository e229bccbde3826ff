"""Reminders, then past due, suspended, ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from core.models import Account, Invoice, Payment, Policy, Subscription
from core.models.subscription import ACTIVE_STATUSES
from engine import NewEffect, caused_by, effect_handler, perform_many, schedule_many
from engine.models import Effect
from workflows.lifecycle import due_days
from workflows.lifecycle.claim_pauses import invoices_in_review, postpone_by_claim, use_pause_day
from workflows.lifecycle.closing import expire_open_items
from workflows.lifecycle.timers import Outcome, day_of, on_day, timer, timer_kinds
from workflows.mail import notifications
from workflows.mail.operator_warnings import unpayable_alerts
from workflows.periods import database_now, midnight, today_in
from workflows.settlement.locking import lock_account, lock_rows_for, lock_subscription
from workflows.settlement.settle import cancel_invoices, pay_from_balance

NO_REMINDER_FOR = timedelta(hours=2)  # after the issue of an invoice
DEMANDED = (*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE)  # a written-off renewal, too, keeps its period from beginning

timer_kinds.add("invoice.chase")


@effect_handler("invoice.watch", batch=100, related=("account", "payment_method", "subscription"))
def watch_invoices(invoices: Sequence[Invoice], effects: Sequence[Effect]) -> None:
    pairs, policy, now = list(zip(invoices, effects, strict=True)), Policy.current(), database_now()
    # Also for voided invoices: a sign-up expires by it.
    waits = [_end_of_waiting(invoice, this, policy, now) for invoice, this in pairs]
    schedule_many([*_reminders(pairs, policy, now), *waits])


def _end_of_waiting(invoice: Invoice, this: Effect, policy: Policy, now: datetime) -> NewEffect:
    assert invoice.due_on is not None
    method = invoice.payment_method or invoice.account.default_payment_method
    lag = method.bank_lag_days if method else 0
    until = due_days.waited_for_until(invoice.due_on, _this_day(invoice.account, now), lag)
    if invoice.purpose == Invoice.Purpose.RENEWAL or invoice.began_on is not None:
        return on_day(mark_past_due, invoice, day=due_days.past_due_on(until), setter=this)
    return on_day(expire_unpaid_invoice, invoice, day=due_days.lapses_on(until, policy), setter=this)


@effect_handler("invoice.chase", batch=100, related=("account", "subscription"))
def send_due_reminders(invoices: Sequence[Invoice], effects: Sequence[Effect]) -> None:
    """Only the latest reminder that is due, once."""
    schedule_many(list(_reminders(list(zip(invoices, effects, strict=True)), Policy.current(), database_now())))


def _reminders(pairs: Sequence[tuple[Invoice, Effect]], policy: Policy, now: datetime) -> Iterator[NewEffect]:
    open_ones = [
        (invoice, this)
        for invoice, this in pairs
        if invoice.status in Invoice.OPEN and not _is_over(invoice.subscription)
    ]
    held = _held_up(open_ones, policy, now)
    for invoice, this in open_ones:
        not_before = invoice.created_at + NO_REMINDER_FOR
        if now < not_before:
            yield NewEffect(send_due_reminders, f"chase:{invoice.pk}:first", about=invoice, cause=this, at=not_before)
        else:
            yield from _reminders_of(invoice, this, policy.reminder_days, now, is_postponed_by_claim=invoice.pk in held)
    yield from unpayable_alerts([invoice for invoice, _ in open_ones])


def _held_up(pairs: Sequence[tuple[Invoice, Effect]], policy: Policy, now: datetime) -> set[UUID]:
    """Days of pause are used only if a reminder is due."""
    waiting, approved = invoices_in_review(Payment.objects.filter(invoice__in=[invoice.pk for invoice, _ in pairs]))
    looks = {
        invoice.pk: _this_day(invoice.account, now)
        for invoice, this in pairs
        if invoice.pk in waiting - approved
        and this.kind == "invoice.chase"
        and _due_steps(invoice, policy.reminder_days, now)
    }
    return approved | (waiting - looks.keys()) | use_pause_day(looks, policy)


def _due_steps(invoice: Invoice, days: Sequence[int], now: datetime) -> list[int]:
    day = _this_day(invoice.account, now)
    return [step for step, on in _reminded_on(invoice, days) if on <= day]


def _reminded_on(invoice: Invoice, days: Sequence[int]) -> list[tuple[int, date]]:
    assert invoice.due_on is not None
    assert invoice.issued_on is not None
    return due_days.reminded_on(invoice.issued_on, invoice.due_on, days)


def _reminders_of(
    invoice: Invoice, this: Effect, days: Sequence[int], now: datetime, *, is_postponed_by_claim: bool
) -> Iterator[NewEffect]:
    day = _this_day(invoice.account, now)
    due = _due_steps(invoice, days, now)
    if due and this.kind == "invoice.chase" and not is_postponed_by_claim:
        step = max(due)
        key = f"reminder:{invoice.pk}:{step}"
        yield NewEffect(notifications.mail_reminder, key, about=invoice, cause=this, payload={"step": step})
    later = [on for _, on in _reminded_on(invoice, days) if on > day]
    if is_postponed_by_claim and due:
        later.append(day + timedelta(days=1))
    if later:
        yield _look_on(min(later), invoice, this)


def _look_on(day: date, invoice: Invoice, this: Effect) -> NewEffect:
    return NewEffect(
        send_due_reminders,
        f"chase:{invoice.pk}:{day}" if day != day_of(this) else f"chase:{invoice.pk}:{this.pk}",
        about=invoice,
        cause=this,
        payload={"on": day.isoformat()},
        at=midnight(day, invoice.account.time_zone),
    )


@timer("invoice.fall_behind")
def mark_past_due(invoice: Invoice, this: Effect) -> Outcome:
    lock_account(invoice.account)
    pay_from_balance([invoice], this)  # from money that came meanwhile for something else
    locked = lock_rows_for([], invoices=[invoice])
    invoice, account = locked.invoices[invoice.pk], locked.accounts[invoice.account_id]
    subscription = locked.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
    is_demanded = invoice.status in (Invoice.OPEN if invoice.began_on else DEMANDED)
    if not is_demanded or subscription is None or subscription.status != Subscription.Status.ACTIVE:
        return Outcome.OVER  # if it is past due already, `resume_dunning` schedules this again
    if postpone_by_claim(invoice.payments.all(), this, today=_this_day(account, locked.now)):
        return Outcome.HELD_UP
    steps = [caused_by(this, subscription.fall_behind)]
    if account.status == Account.Status.ACTIVE:
        steps.append(caused_by(this, account.fall_behind))
    perform_many(steps)
    return Outcome.ACTED


@effect_handler("subscription.plan_suspension")
def schedule_suspension(subscription: Subscription, this: Effect) -> None:
    day = due_days.suspended_on(_this_day(subscription.account, database_now()), Policy.current())
    schedule_many([on_day(end_grace_period, subscription, day=day, setter=this, payload={"version": this.seq})])


@timer("subscription.run_out_of_grace")
def end_grace_period(subscription: Subscription, this: Effect) -> Outcome:
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.PAST_DUE or subscription.version != this.payload["version"]:
        return Outcome.OVER
    if postpone_by_claim(account.payments.all(), this, today=_this_day(account, database_now())):
        return Outcome.HELD_UP
    steps = [caused_by(this, subscription.suspend)]
    if account.status == Account.Status.PAST_DUE:
        steps.append(caused_by(this, account.suspend))
    perform_many(steps)
    return Outcome.ACTED


@effect_handler("subscription.plan_end")
def schedule_cancellation(subscription: Subscription, this: Effect) -> None:
    day = due_days.ended_on(_this_day(subscription.account, database_now()), Policy.current())
    schedule_many([on_day(cancel_for_nonpayment, subscription, day=day, setter=this, payload={"version": this.seq})])


@timer("subscription.give_up")
def cancel_for_nonpayment(subscription: Subscription, this: Effect) -> Outcome:
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.SUSPENDED or subscription.version != this.payload["version"]:
        return Outcome.OVER
    if postpone_by_claim(account.payments.all(), this, today=_this_day(account, database_now())):
        return Outcome.HELD_UP
    settlement = expire_open_items(account, subscription, this)
    settlement.steps.insert(0, caused_by(this, subscription.end))
    settlement.write()
    return Outcome.ACTED


@timer("invoice.let_lapse")
def expire_unpaid_invoice(invoice: Invoice, this: Effect) -> Outcome:
    locked = lock_rows_for([], invoices=[invoice])
    invoice, account = locked.invoices[invoice.pk], locked.accounts[invoice.account_id]
    # If the period began, the subscription becomes past due instead.
    if invoice.status == Invoice.Status.PAID or invoice.began_on is not None:
        return Outcome.OVER
    if postpone_by_claim(invoice.payments.all(), this, today=_this_day(account, locked.now)):
        return Outcome.HELD_UP
    settlement = cancel_invoices(Invoice.objects.filter(pk=invoice.pk), this)
    subscription = locked.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
    if subscription is not None and subscription.status == Subscription.Status.PENDING_PAYMENT:
        settlement.steps.append(caused_by(this, subscription.expire))
        if account.status == Account.Status.PENDING_PAYMENT:
            settlement.steps.append(caused_by(this, account.expire))
    settlement.write()
    return Outcome.ACTED


@timer("payment.escalate")
def escalate_claim(payment: Payment, this: Effect) -> Outcome:
    """Remind reviewers of a claim that waits too long; again when it is four times as old."""
    if payment.status != Payment.Status.PENDING_APPROVAL:
        return Outcome.OVER
    pause = max(1, Policy.current().claim_pause_days)
    today = _this_day(payment.account, database_now())
    waiting = (today - today_in(payment.account.time_zone, payment.created_at)).days
    wait, following = timedelta(days=pause - waiting), []
    if waiting >= pause:
        wait = timedelta(days=3 * waiting)
        following.append(
            NewEffect(
                notifications.mail_reviewers,
                f"escalate:{payment.pk}:{this.pk}",
                about=payment,
                cause=this,
                payload={"days_waiting": waiting},
            )
        )
    schedule_many([*following, on_day(escalate_claim, payment, day=today + wait, setter=this)])
    return Outcome.ACTED


def _is_over(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status not in (
        *ACTIVE_STATUSES,
        Subscription.Status.PENDING_PAYMENT,
    )


def _this_day(account: Account, now: datetime) -> date:
    return today_in(account.time_zone, now)
