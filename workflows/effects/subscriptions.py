"""Time passes: trials end, renewals fall due, patience runs out.

Each of these is an effect that waits for its day, looks at what is then true, and owes the next one. Its key names
the object and the day, so that nothing is done twice, and a clock that stood still for days is caught up with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from core.models import Account, Effect, Invoice, Payment, Policy, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.payment import PaymentQuerySet
from core.reader import Reader
from core.statements import pipelined
from workflows.actions import issue_renewal, replace_renewal
from workflows.actions.subscriptions import next_price
from workflows.books import LIVING, lock_account, lock_subscription, open_books
from workflows.effects import notices
from workflows.effects.invoices import apply_balances
from workflows.engine import Debt, Step, because, effect, owe, owe_many, perform_many
from workflows.ledger import grant, post
from workflows.periods import credits_of, database_now, midnight, period_end, today_in
from workflows.settlement import Settlement, paid_renewal_of

# Steps up that are still for sale.
OFFERS = Reader(
    Invoice._base_manager.all(),
    f"""subscription_id = ANY(%s::uuid[])
        AND purpose = '{Invoice.Purpose.UPGRADE}' AND status = '{Invoice.Status.PENDING}'""",
)
POLICIES = Reader(Policy._base_manager.all(), "TRUE")  # one row
YOUNG = timedelta(hours=2)  # an invoice of which nobody is reminded yet


def today(account: Account) -> date:
    return today_in(account.time_zone, database_now())


@effect("account.watch_trial")
def watch_trial(account: Account, debt: Effect) -> None:
    """See to it that a trial is warned about and ends. Owed under the account's key: a second run owes nothing."""
    assert account.trial_ends_on is not None
    warning = account.trial_ends_on - timedelta(days=Policy.current().trial_warning_days)
    owe(
        notices.mail_trial_ending,
        key=f"trial_ending:{account.pk}",
        about=account,
        cause=debt.transition,
        at=midnight(warning, account.time_zone),
    )
    owe(
        end_trial,
        key=f"trial_end:{account.pk}:{account.trial_ends_on}",
        about=account,
        cause=debt.transition,
        at=midnight(account.trial_ends_on, account.time_zone),
    )


@effect("account.end_trial")
def end_trial(account: Account, debt: Effect) -> None:
    """End a trial, unless the customer says that they have paid: then look again tomorrow."""
    account = lock_account(account)
    if account.status != Account.Status.TRIAL:
        return
    if _is_held_up(end_trial, account, account, Payment.objects.filter(account=account), debt):
        return
    steps = [because(debt, account.expire)]
    if account.subscriptions.filter(status=Subscription.Status.PENDING_PAYMENT).exists():
        steps.append(because(debt, account.await_payment))  # a plan was chosen already
    perform_many(steps)


@effect("subscription.plan_renewal", batch=100, related=("account",))
def plan_renewal(subscriptions: Sequence[Subscription], debts: Sequence[Effect]) -> None:
    """After a period has begun: see to its end. Unique on the period, so a second run owes nothing."""
    with pipelined():
        offers, policies = OFFERS.ask([subscription.pk for subscription in subscriptions]), POLICIES.ask()
    pairs = list(zip(subscriptions, debts, strict=True))
    _end_offers(offers.objects, {subscription.pk: (subscription, debt) for subscription, debt in pairs})
    (policy,) = policies.objects or [Policy.current()]
    lead = timedelta(days=policy.renewal_lead_days)
    owe_many([timer for subscription, debt in pairs for timer in _timers(subscription, debt, lead)])


def _end_offers(offers: Sequence[Invoice], by_key: dict[UUID | None, tuple[Subscription, Effect]]) -> None:
    """A step up from the period before is no longer for sale."""
    old = [offer for offer in offers if offer.period_end != by_key[offer.subscription_id][0].period_end]
    held = open_books([], invoices=old).invoices.values() if old else ()
    perform_many(
        because(by_key[invoice.subscription_id][1], invoice.lapse)
        for invoice in held
        if invoice.status == Invoice.Status.PENDING
    )


def _timers(subscription: Subscription, debt: Effect, lead: timedelta) -> Iterator[Debt]:
    assert subscription.period_end is not None
    for name, handler, ahead in (("renewal", renew_subscription, lead), ("turn", turn_period, timedelta(0))):
        yield Debt(
            handler,
            f"{name}:{subscription.pk}:{subscription.period_end}",
            about=subscription,
            cause=debt,
            at=midnight(subscription.period_end - ahead, subscription.account.time_zone),
        )


@effect("subscription.renew")
def renew_subscription(subscription: Subscription, debt: Effect) -> None:
    """Issue the invoice of the next period, ahead of it. One per period: the database refuses a second."""
    account, subscription = lock_subscription(subscription)
    if subscription.status == Subscription.Status.ACTIVE:
        issue_renewal(account, subscription, cause=debt.transition)


@effect("subscription.reprice_renewal")
def reprice_renewal(subscription: Subscription, debt: Effect) -> None:
    """The plan is larger now: so is the invoice of the next period, where nothing of it is paid."""
    account, subscription = lock_subscription(subscription)
    if subscription.status == Subscription.Status.ACTIVE:
        replace_renewal(account, subscription, cause=debt.transition)


@effect("invoice.reissue")
def reissue(invoice: Invoice, debt: Effect) -> None:
    """A renewal that staff voided is issued anew, with the customer's details as they are now: what lives is paid for.

    Who shall not pay is closed, or cancels. A second run finds it issued.
    """
    if invoice.purpose != Invoice.Purpose.RENEWAL or invoice.subscription is None:
        return
    account, subscription = lock_subscription(invoice.subscription)
    if subscription.status in LIVING and subscription.period_end == invoice.period_start:
        issue_renewal(account, subscription, cause=debt.transition)


@effect("subscription.turn")
def turn_period(subscription: Subscription, debt: Effect) -> None:
    """On the day a period is over: begin the next if it is paid for, or end what was to end."""
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.ACTIVE:
        return
    invoice = paid_renewal_of(subscription)
    if invoice is not None:
        settlement = Settlement(open_books([], invoices=[invoice]))
        settlement.begin_period(settlement.books.subscriptions[subscription.pk], invoice, debt)
        settlement.write()
    elif subscription.cancel_at_period_end:
        perform_many([because(debt, subscription.end), *_farewell(account, subscription, debt)])
    elif next_price(subscription) == 0:  # never invoiced
        start, plan = subscription.period_end, subscription.plan
        assert start is not None
        assert subscription.anchor_day is not None
        end = period_end(start, subscription.interval, subscription.anchor_day)
        perform_many([because(debt, subscription.renew, until=end)])
        post(
            [
                grant(
                    account,
                    credits_of(plan, subscription.interval),
                    key=f"grant:{subscription.pk}:{start}",
                    description=f"{plan.name}, from {start}",
                    cause_id=debt.transition_id,
                )
            ]
        )


@effect("invoice.watch", batch=100, related=("account", "payment_method", "subscription"))
def watch_invoices(invoices: Sequence[Invoice], debts: Sequence[Effect]) -> None:
    """See to it that invoices are reminded of, and not waited for in vain. Unique on invoice and day."""
    pairs, policy = list(zip(invoices, debts, strict=True)), Policy.current()
    waits = [_end_of_waiting(invoice, debt, policy) for invoice, debt in pairs]
    owe_many([*_reminders(pairs, policy), *waits])


def _end_of_waiting(invoice: Invoice, debt: Effect, policy: Policy) -> Debt:
    assert invoice.due_on is not None
    method = invoice.payment_method or invoice.account.default_payment_method
    lag = timedelta(days=method.bank_lag_days if method else 0)
    if invoice.purpose == Invoice.Purpose.RENEWAL:
        handler, key, on = fall_behind, f"overdue:{invoice.pk}", invoice.due_on + lag + timedelta(days=1)
    else:
        patience = timedelta(days=policy.signup_expiry_days)
        handler, key, on = let_lapse, f"lapse:{invoice.pk}", invoice.due_on + lag + patience
    return Debt(handler, key, about=invoice, cause=debt, at=midnight(on, invoice.account.time_zone))


@effect("invoice.chase", batch=100, related=("account", "subscription"))
def chase_invoices(invoices: Sequence[Invoice], debts: Sequence[Effect]) -> None:
    """Send the latest reminder that is due, once, and come back for the next; a claim in review silences it.

    Nobody is reminded of what was issued a moment ago, nor of what they no longer have.
    """
    owe_many(list(_reminders(list(zip(invoices, debts, strict=True)), Policy.current())))


def _reminders(pairs: Sequence[tuple[Invoice, Effect]], policy: Policy) -> Iterator[Debt]:
    """What is due now of each invoice, and when to look at it again."""
    now = database_now()
    open_ones = [
        (invoice, debt)
        for invoice, debt in pairs
        if invoice.status in Invoice.OPEN and not _is_over(invoice.subscription)
    ]
    claims = Payment.objects.filter(invoice__in=[invoice.pk for invoice, _ in open_ones]).in_review()
    claimed = set(claims.values_list("invoice_id", flat=True))
    for invoice, debt in open_ones:
        not_before = invoice.created_at + YOUNG
        if now < not_before:
            yield Debt(chase_invoices, f"chase:{invoice.pk}:first", about=invoice, cause=debt, at=not_before)
        else:
            yield from _reminders_of(invoice, debt, policy.reminder_steps, now, is_claimed=invoice.pk in claimed)


def _reminders_of(
    invoice: Invoice, debt: Effect, days: Sequence[int], now: datetime, *, is_claimed: bool
) -> Iterator[Debt]:
    assert invoice.due_on is not None
    assert invoice.issued_on is not None
    time_zone = invoice.account.time_zone
    day = today_in(time_zone, now)
    steps = {step: invoice.due_on + timedelta(days=step) for step in days}
    due = [step for step, on in steps.items() if invoice.issued_on < on <= day]
    if due and not is_claimed:
        step = max(due)
        key = f"reminder:{invoice.pk}:{step}"
        yield Debt(notices.mail_reminder, key, about=invoice, cause=debt, payload={"step": step})
    later = [on for on in steps.values() if on > day]
    if is_claimed and due:
        later.append(day + timedelta(days=1))
    if later:
        on = min(later)
        key = f"chase:{invoice.pk}:{on}"
        yield Debt(chase_invoices, key, about=invoice, cause=debt, at=midnight(on, time_zone))


@effect("invoice.fall_behind")
def fall_behind(invoice: Invoice, debt: Effect) -> None:
    """The due date and the banks' days are over: subscription and account are past due."""
    apply_balances([invoice], [debt])  # money that came meanwhile and was for something else
    books = open_books([], invoices=[invoice])
    invoice, account = books.invoices[invoice.pk], books.accounts[invoice.account_id]
    subscription = books.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
    if invoice.status not in (*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE) or subscription is None:
        return
    if subscription.status != Subscription.Status.ACTIVE:
        return
    if _is_held_up(fall_behind, invoice, account, invoice.payments.all(), debt):
        return
    steps = [because(debt, subscription.fall_behind)]
    if account.status == Account.Status.ACTIVE:
        steps.append(because(debt, account.fall_behind))
    perform_many(steps)


@effect("subscription.plan_suspension")
def plan_suspension(subscription: Subscription, debt: Effect) -> None:
    """Past due: the grace begins. Unique on the transition that began it."""
    _later(run_out_of_grace, subscription, debt, days=Policy.current().grace_days)


@effect("subscription.run_out_of_grace")
def run_out_of_grace(subscription: Subscription, debt: Effect) -> None:
    """The grace is over: suspend, unless a claim is in review."""
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.PAST_DUE or subscription.version != debt.payload["version"]:
        return
    if _is_held_up(run_out_of_grace, subscription, account, Payment.objects.filter(account=account), debt):
        return
    steps = [because(debt, subscription.suspend)]
    if account.status == Account.Status.PAST_DUE:
        steps.append(because(debt, account.suspend))
    perform_many(steps)


@effect("subscription.plan_end")
def plan_end(subscription: Subscription, debt: Effect) -> None:
    """Suspended: the last wait begins. Unique on the transition that began it."""
    _later(give_up, subscription, debt, days=Policy.current().suspension_days)


@effect("subscription.give_up")
def give_up(subscription: Subscription, debt: Effect) -> None:
    """Nobody has paid for too long: the subscription ends."""
    account, subscription = lock_subscription(subscription)
    if subscription.status != Subscription.Status.SUSPENDED or subscription.version != debt.payload["version"]:
        return
    if _is_held_up(give_up, subscription, account, Payment.objects.filter(account=account), debt):
        return
    perform_many([because(debt, subscription.end), *_farewell(account, subscription, debt)])


@effect("invoice.let_lapse")
def let_lapse(invoice: Invoice, debt: Effect) -> None:
    """Nobody paid for a plan that was chosen: it lapses, and so does what waited for it."""
    books = open_books([], invoices=[invoice])
    invoice, account = books.invoices[invoice.pk], books.accounts[invoice.account_id]
    if invoice.status not in (Invoice.Status.PENDING, Invoice.Status.VOID):
        return
    if _is_held_up(let_lapse, invoice, account, invoice.payments.all(), debt):
        return
    steps = [because(debt, invoice.lapse)] if invoice.status == Invoice.Status.PENDING else []
    subscription = books.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
    if subscription is not None and subscription.status == Subscription.Status.PENDING_PAYMENT:
        steps.append(because(debt, subscription.expire))
        if account.status == Account.Status.PENDING_PAYMENT:
            steps.append(because(debt, account.expire))
    perform_many(steps)


@effect("subscription.close_down")
def close_down(subscription: Subscription, debt: Effect) -> None:
    """The customer cancelled, now: what waits for money lapses, and the account has nothing left."""
    account, subscription = lock_subscription(subscription)
    perform_many(_farewell(account, subscription, debt))


def _farewell(account: Account, subscription: Subscription, debt: Effect) -> list[Step]:
    """Steps for an account whose subscription is over: open invoices lapse, nothing subscribed means expired.

    Money that is still on its way to them goes to the customer's balance.
    """
    steps = _lapse(subscription.invoices.all(), debt)
    others = account.subscriptions.exclude(pk=subscription.pk)
    if others.filter(status__in=LIVING).exists():
        return steps
    has_chosen_again = others.filter(status=Subscription.Status.PENDING_PAYMENT).exists()
    if account.status == Account.Status.PAST_DUE:
        steps.append(because(debt, account.suspend))
    if account.status in (Account.Status.ACTIVE, Account.Status.PAST_DUE, Account.Status.SUSPENDED):
        steps.append(because(debt, account.expire))
        if has_chosen_again:
            steps.append(because(debt, account.await_payment))
    elif account.status == Account.Status.PENDING_PAYMENT and not has_chosen_again:
        steps.append(because(debt, account.expire))
    return steps


@effect("account.wind_up")
def wind_up(account: Account, debt: Effect) -> None:
    """The account is closed: what it has subscribed ends, what it was asked for lapses. A second run finds nothing."""
    account = lock_account(account)
    standing = account.subscriptions.filter(status__in=[*LIVING, Subscription.Status.PENDING_PAYMENT])
    steps = [because(debt, row.end) for row in standing.order_by("pk").select_for_update(no_key=True)]
    perform_many([*steps, *_lapse(account.invoices.all(), debt)])


def _lapse(invoices: InvoiceQuerySet, debt: Effect) -> list[Step]:
    """Steps for those of them that wait and have no money on them."""
    waiting = invoices.filter(status=Invoice.Status.PENDING).order_by("pk").select_for_update(no_key=True)
    return [because(debt, invoice.lapse) for invoice in waiting]


def _is_over(subscription: Subscription | None) -> bool:
    return subscription is not None and subscription.status not in (*LIVING, Subscription.Status.PENDING_PAYMENT)


def _later(handler: object, subscription: Subscription, debt: Effect, *, days: int) -> None:
    account = subscription.account
    owe(
        handler,  # type: ignore[arg-type]
        key=f"{handler.kind.name}:{subscription.pk}:{debt.seq}",  # type: ignore[attr-defined]
        about=subscription,
        cause=debt.transition,
        payload={"version": debt.seq},
        at=midnight(today(account) + timedelta(days=days), account.time_zone),
    )


def _is_held_up(
    handler: Callable[..., None],
    about: Invoice | Subscription | Account,
    account: Account,
    payments: PaymentQuerySet,
    debt: Effect,
) -> bool:
    """Whether one of these payments is a claim in review: then the same is looked at again tomorrow.

    When that lasts too long, it is staff who hear of it, not the customer.
    """
    claim = payments.in_review().order_by("pk").first()
    if claim is None:
        return False
    day = today(account)
    claimed_on = today_in(account.time_zone, claim.created_at)
    if (day - claimed_on).days >= Policy.current().claim_pause_days:
        owe(
            notices.mail_reviewers,
            key=f"escalate:{claim.pk}",
            about=claim,
            cause=debt.transition,
            payload={"days_waiting": (day - claimed_on).days},
        )
    owe(
        handler,
        key=f"{handler.kind.name}:{about.pk}:{day + timedelta(days=1)}",  # type: ignore[attr-defined]
        about=about,
        cause=debt.transition,
        payload=debt.payload,
        at=midnight(day + timedelta(days=1), account.time_zone),
    )
    return True
