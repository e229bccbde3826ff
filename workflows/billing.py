"""The whole process on one page: what follows from what."""

from datetime import timedelta

from core.models import Account, CreditNote, Document, Invoice, Payment, Refund, StatementFile, Subscription
from engine import alert, on
from workflows.bank.automatic import match_file
from workflows.bank.importing import read_statement_file
from workflows.documents.effects import (
    bring_documents,
    make_document,
    write_cancellation,
    write_credit_note,
    write_invoices,
    write_receipts,
    write_reversal,
)
from workflows.lifecycle.closing import clean_up_cancelled_subscription, clean_up_closed_account
from workflows.lifecycle.dunning import escalate_claim, schedule_cancellation, schedule_suspension, watch_invoices
from workflows.lifecycle.renewals import reissue_renewal, reprice_renewal, resume_dunning, schedule_renewal
from workflows.lifecycle.trials import schedule_trial_end
from workflows.mail.notifications import (
    mail_cancellation,
    mail_dead_effects,
    mail_document,
    mail_partial_payment,
    mail_past_due,
    mail_refund_failed,
    mail_refund_sent,
    mail_rejection,
    mail_reversal,
    mail_suspension,
    mail_trial_end,
    mail_trial_start,
)
from workflows.mail.reviewer_notifications import tell_reviewers
from workflows.refunds.effects import give_back_refund
from workflows.settlement.credit_notes import drop_credit_note
from workflows.settlement.effects import apply_balances, settle_payments, unsettle_payment

on(Account, mail_trial_start, schedule_trial_end, to=Account.Status.TRIAL)  # created: somebody tries the product
on(Account.expire, mail_trial_end)
on(Account.close, clean_up_closed_account)

on(Invoice.issue, write_invoices, apply_balances, watch_invoices)
# An uncollectible invoice may be paid late, when the balance has grown meanwhile.
on(Invoice.pay, apply_balances, mail_partial_payment, watch_invoices, to=Invoice.Status.PARTIALLY_PAID)
on(Invoice.release, apply_balances, watch_invoices)  # its payment bounced: it is open again
on(Invoice.void, reissue_renewal, write_cancellation, drop_credit_note)
on(Invoice.lapse, write_cancellation, drop_credit_note)
on(Invoice.write_off, drop_credit_note)
on(Invoice.abandon, drop_credit_note)

on(CreditNote.apply, write_credit_note)

# A document is drawn once, and the mail that tells of it follows.
on(Document, make_document, to=Document.Status.PREPARED)
on(Document.prepare, make_document)
on(Document.prepare_again, make_document)
on(Document.make, bring_documents)
on(Document.hold, bring_documents)
on(Document.send, mail_document)

on(Payment, tell_reviewers)  # created: a customer says "I have paid"
on(Payment, escalate_claim, after=timedelta(days=1))
on(Payment.approve, settle_payments)
on(Payment.settle, write_receipts)
on(Payment.reject, mail_rejection)
on(Payment.reverse, unsettle_payment, mail_reversal, write_reversal)
on(Payment.reverse_part, unsettle_payment, mail_reversal, write_reversal)  # the bank took a part of it back

on(Refund.mark_sent, mail_refund_sent)
on(Refund.fail, give_back_refund, mail_refund_failed)
on(Refund.cancel, give_back_refund)
on(Refund.lapse, give_back_refund)

on(StatementFile, read_statement_file)  # created: somebody uploads what the bank says
on(StatementFile.complete, match_file)

on(Subscription.activate, schedule_renewal)
on(Subscription.renew, schedule_renewal)
on(Subscription.upgrade, reprice_renewal)
on(Subscription.recover, schedule_renewal, resume_dunning)
on(Subscription.fall_behind, schedule_suspension, mail_past_due)
on(Subscription.suspend, schedule_cancellation, mail_suspension)
on(Subscription.cancel, clean_up_cancelled_subscription, mail_cancellation)
on(Subscription.end, mail_cancellation)

alert(mail_dead_effects)
