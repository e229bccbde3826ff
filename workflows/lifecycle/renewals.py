"""The next period is invoiced ahead, and begins when it is paid and its day has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from core.models import Invoice, Payment, Policy, Subscription
from core.models.subscription import ACTIVE_STATUSES
from engine import NewEffect, caused_by, effect_handler, perform_many, schedule_many
from engine.models import Effect
from engine.pipeline import pipeline
from engine.raw_queries import CompiledQuery
from workflows.lifecycle.claim_pauses import postpone_by_claim
from workflows.lifecycle.closing import expire_open_items
from workflows.lifecycle.due_days import renewal_issued_on
from workflows.lifecycle.dunning import watch_invoices
from workflows.lifecycle.invoicing import issue_renewal, replace_renewal
from workflows.lifecycle.timers import Outcome, on_day, timer
from workflows.periods import credits_for, database_now, period_end, today_in
from workflows.settlement.credits import grant, post
from workflows.settlement.locking import lock_account, lock_rows_for, lock_subscription
from workflows.settlement.settle import Settlement, cancel_invoices, paid_renewal_of, pay_from_balance, terms_as_inputs

# Upgrade invoices that are still open, and written-off ones with money on them.
OFFERS = CompiledQuery(
    Invoice._base_manager.all(),
    f"""subscription_id = ANY(%s::uuid[]) AND purpose = '{Invoice.Purpose.UPGRADE}' AND began_on IS NULL
        AND (status IN ('{Invoice.Status.PENDING}', '{Invoice.Status.PARTIALLY_PAID}')
            OR status = '{Invoice.Status.UNCOLLECTIBLE}' AND allocated > 0)""",
)
POLICIES = CompiledQuery(Policy._base_manager.all(), "TRUE")


@effect_handler("subscription.plan_renewal", batch=100, related=("account",))
def schedule_renewal(subscriptions: Sequence[Subscription], effects: Sequence[Effect]) -> None:
    """A second run schedules nothing twice."""
    with pipeline():
        offers, policies = OFFERS.ask([subscription.pk for subscription in subscriptions]), POLICIES.ask()
    pairs = list(zip(subscriptions, effects, strict=True))
    _end_offers(offers.objects, {subscription.pk: (subscription, this) for subscription, this in pairs})
    (policy,) = policies.objects or [Policy.current()]
    schedule_many([timer for subscription, this in pairs for timer in _timers(subscription, this, policy)])


def _end_offers(offers: Sequence[Invoice], by_key: dict[UUID | None, tuple[Subscription, Effect]]) -> None:
    for offer in offers:
        subscription, this = by_key[offer.subscription_id]
        if offer.period_end != subscription.period_end:
            lock_account(subscription.account)
            cancel_invoices(Invoice.objects.filter(pk=offer.pk), this).write()


def _timers(subscription: Subscription, this: Effect, policy: Policy) -> Iterator[NewEffect]:
    end = subscription.period_end
    assert end is not None
    for handler, day in ((renew_subscription, renewal_issued_on(end, policy)), (start_next_period, end)):
        yield on_day(handler, subscription, day=day, setter=this, payload={"period_end": end.isoformat()})


def _is_of_another_period(subscription: Subscription, this: Effect) -> bool:
    end = this.payload.get("period_end")  # None: scheduled before the payload had it
    return end is not None and end != str(subscription.period_end)


@timer("subscription.renew")
def renew_subscription(subscription: Subscription, this: Effect) -> Outcome:
    """The database refuses a second invoice for the period."""
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.ACTIVE or _is_of_another_period(subscription, this):
        return Outcome.OVER  # `recover` schedules it again
    issue_renewal(account, subscription, cause=this.transition)
    return Outcome.ACTED


@effect_handler("subscription.reprice_renewal")
def reprice_renewal(subscription: Subscription, this: Effect) -> None:
    account, subscription = lock_subscription(subscription)
    if subscription.status == Subscription.Status.ACTIVE:
        replace_renewal(account, subscription, cause=this.transition)


@effect_handler("invoice.reissue")
def reissue_renewal(invoice: Invoice, this: Effect) -> None:
    """Reissue a renewal voided by staff; after another invoice, recover what was past due for it alone.

    A second run finds the invoice issued, or nothing past due.
    """
    if invoice.subscription is None:
        return
    account, subscription = lock_subscription(invoice.subscription)
    if invoice.purpose == Invoice.Purpose.RENEWAL and subscription.period_end == invoice.period_start:
        if subscription.status in ACTIVE_STATUSES:
            issue_renewal(account, subscription, cause=this.transition)
        return
    settlement = Settlement(lock_rows_for([], invoices=[invoice]))
    settlement.recover_after_void(settlement.locked.invoices[invoice.pk], this)
    settlement.write()


@effect_handler("subscription.resume")
def resume_dunning(subscription: Subscription, this: Effect) -> None:
    """Schedule dunning of what is still open, and pay it from the balance.

    A second run finds the same timers, and the balance used up.
    """
    account, subscription = lock_subscription(subscription)
    wanted = [*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE]
    invoices = list(subscription.invoices.filter(status__in=wanted).select_related("account", "payment_method"))
    watch_invoices(invoices, [this] * len(invoices))
    pay_from_balance(account.invoices.filter(status__in=Invoice.OPEN), this)


@timer("subscription.turn")
def start_next_period(subscription: Subscription, this: Effect) -> Outcome:
    """Begin the next period if it is paid, or end a subscription that was to end."""
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.ACTIVE or _is_of_another_period(subscription, this):
        return Outcome.OVER
    invoice = paid_renewal_of(subscription)
    if invoice is not None:
        settlement = Settlement(lock_rows_for([], invoices=[invoice]))
        locked = settlement.locked
        settlement.begin_period(locked.subscriptions[subscription.pk], locked.invoices[invoice.pk], this)
        settlement.write()
    elif subscription.cancel_at_period_end:
        steps_up = subscription.invoices.filter(purpose=Invoice.Purpose.UPGRADE, began_on=None)
        claims = Payment.objects.filter(invoice__in=steps_up)
        if postpone_by_claim(claims, this, today=today_in(account.time_zone, database_now())):
            return Outcome.HELD_UP  # an upgrade is a later choice than to end
        settlement = expire_open_items(account, subscription, this)
        settlement.steps.insert(0, caused_by(this, subscription.end))
        settlement.write()
    elif subscription.next_terms.price == 0:  # never invoiced
        _begin_for_nothing(subscription, this)
    else:
        issue_renewal(account, subscription, cause=this.transition)
    return Outcome.ACTED


def _begin_for_nothing(subscription: Subscription, this: Effect) -> None:
    start, terms = subscription.period_end, subscription.next_terms
    assert start is not None
    assert subscription.anchor_day is not None
    changes = {} if terms == subscription.terms else terms_as_inputs(terms)
    until = period_end(start, terms.interval, subscription.anchor_day)
    account = lock_account(subscription.account)
    perform_many([caused_by(this, subscription.renew, until=until, **changes)])
    post(
        [
            grant(
                account,
                credits_for(terms),
                key=f"grant:{subscription.pk}:{start}",
                description=f"{subscription.plan.name}, from {start}",
                cause_id=this.transition_id,
            )
        ]
    )
