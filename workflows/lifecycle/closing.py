from __future__ import annotations

from core.models import Account, Subscription
from core.models.subscription import ACTIVE_STATUSES
from engine import caused_by, effect_handler, perform_many
from engine.models import Effect
from workflows.settlement.locking import lock_account, lock_subscription
from workflows.settlement.settle import Settlement, cancel_invoices, cancellable_invoices


@effect_handler("subscription.close_down")
def clean_up_cancelled_subscription(subscription: Subscription, this: Effect) -> None:
    account, subscription = lock_subscription(subscription)
    expire_open_items(account, subscription, this).write()


@effect_handler("account.wind_up")
def clean_up_closed_account(account: Account, this: Effect) -> None:
    """A second run finds nothing."""
    account = lock_account(account)
    standing = account.subscriptions.filter(status__in=[*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT])
    perform_many([caused_by(this, row.end) for row in standing.order_by("pk").select_for_update(no_key=True)])
    cancel_invoices(cancellable_invoices(account.invoices.all()), this).write()
    account.invitations.all().delete()


def expire_open_items(account: Account, subscription: Subscription, this: Effect) -> Settlement:
    """The caller has locked both, and writes the settlement together with the end."""
    settlement = cancel_invoices(cancellable_invoices(subscription.invoices.all()), this)
    others = account.subscriptions.exclude(pk=subscription.pk)
    if others.filter(status__in=ACTIVE_STATUSES).exists():
        return settlement
    has_chosen_again = others.filter(status=Subscription.Status.PENDING_PAYMENT).exists()
    steps = settlement.steps
    if account.status == Account.Status.PAST_DUE:
        steps.append(caused_by(this, account.suspend))
    if account.status in (Account.Status.ACTIVE, Account.Status.PAST_DUE, Account.Status.SUSPENDED):
        steps.append(caused_by(this, account.expire))
        if has_chosen_again:
            steps.append(caused_by(this, account.await_payment))
    elif account.status == Account.Status.PENDING_PAYMENT and not has_chosen_again:
        steps.append(caused_by(this, account.expire))
    return settlement
