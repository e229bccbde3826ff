"""The whole process on one page: what follows from what."""

from core.models import Account, Invoice, Payment, Subscription
from workflows.effects.invoices import apply_balances, settle_payments, unsettle_payment
from workflows.effects.notices import (
    mail_approval,
    mail_cancellation,
    mail_dead_effects,
    mail_invoice,
    mail_partial_payment,
    mail_past_due,
    mail_rejection,
    mail_reversal,
    mail_reviewers,
    mail_suspension,
    mail_trial_end,
    mail_trial_start,
)
from workflows.effects.subscriptions import (
    close_down,
    plan_end,
    plan_renewal,
    plan_suspension,
    reissue,
    reprice_renewal,
    watch_invoices,
    watch_trial,
    wind_up,
)
from workflows.engine import alert, on

on(Account, mail_trial_start, watch_trial, to=Account.Status.TRIAL)  # born: somebody tries the product
on(Account.expire, mail_trial_end)
on(Account.close, wind_up)

on(Invoice.issue, mail_invoice, apply_balances, watch_invoices)
on(Invoice.pay, mail_partial_payment, to=Invoice.Status.PARTIALLY_PAID)
on(Invoice.void, reissue)

on(Payment, mail_reviewers)  # born: a customer says "I have paid"
on(Payment.approve, settle_payments)
on(Payment.settle, mail_approval)
on(Payment.reject, mail_rejection)
on(Payment.reverse, unsettle_payment, mail_reversal)

on(Subscription.activate, plan_renewal)
on(Subscription.renew, plan_renewal)
on(Subscription.upgrade, reprice_renewal)
on(Subscription.recover, plan_renewal)
on(Subscription.fall_behind, plan_suspension, mail_past_due)
on(Subscription.suspend, plan_end, mail_suspension)
on(Subscription.cancel, close_down, mail_cancellation)
on(Subscription.end, mail_cancellation)

alert(mail_dead_effects)
