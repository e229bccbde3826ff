from __future__ import annotations

from core.models import Account, Policy, Subscription
from engine import NewEffect, caused_by, effect_handler, perform_many, schedule_many
from engine.models import Effect
from workflows.lifecycle.claim_pauses import postpone_by_claim
from workflows.lifecycle.due_days import trial_over_on, trial_warned_on
from workflows.lifecycle.timers import Outcome, on_day, timer, timer_kinds
from workflows.mail import notifications
from workflows.periods import database_now, midnight, today_in
from workflows.settlement.locking import lock_account

timer_kinds.add(notifications.mail_trial_ending.kind.name)  # type: ignore[attr-defined]


@effect_handler("account.watch_trial")
def schedule_trial_end(account: Account, this: Effect) -> None:
    """A second run schedules nothing twice."""
    assert account.trial_ends_on is not None
    timers = [on_day(end_trial, account, day=trial_over_on(account.trial_ends_on), setter=this)]
    began_on = today_in(account.time_zone, account.created_at)
    if warning := trial_warned_on(began_on, account.trial_ends_on, Policy.current()):
        timers.append(
            NewEffect(
                notifications.mail_trial_ending,
                f"trial_ending:{account.pk}",
                about=account,
                cause=this,
                payload={"on": warning.isoformat()},
                at=midnight(warning, account.time_zone),
            )
        )
    schedule_many(timers)


@timer("account.end_trial")
def end_trial(account: Account, this: Effect) -> Outcome:
    account = lock_account(account)
    if account.status != Account.Status.TRIAL:
        return Outcome.OVER
    today = today_in(account.time_zone, database_now())
    if account.trial_ends_on is not None and today <= account.trial_ends_on:
        return Outcome.TOMORROW  # older timers are set for the beginning of the last day
    if postpone_by_claim(account.payments.all(), this, today=today):
        return Outcome.HELD_UP
    steps = [caused_by(this, account.expire)]
    if account.subscriptions.filter(status=Subscription.Status.PENDING_PAYMENT).exists():
        steps.append(caused_by(this, account.await_payment))  # a plan was chosen during the trial
    perform_many(steps)
    return Outcome.ACTED
