"""The whole process on one page: what follows from what."""

from core.models import Account, Invoice, Payment
from workflows.effects.invoices import settle_payments
from workflows.effects.notices import (
    mail_approval,
    mail_dead_effects,
    mail_invoice,
    mail_partial_payment,
    mail_rejection,
    mail_reviewers,
    mail_trial_start,
)
from workflows.engine import alert, on

on(Account, mail_trial_start, to=Account.Status.TRIAL)  # born: somebody tries the product
on(Invoice.issue, mail_invoice)
on(Payment, mail_reviewers)  # born: a customer says "I have paid"
on(Payment.approve, settle_payments)
on(Payment.settle, mail_approval)
on(Payment.reject, mail_rejection)
on(Invoice.pay, mail_partial_payment, to=Invoice.Status.PARTIALLY_PAID)

alert(mail_dead_effects)
