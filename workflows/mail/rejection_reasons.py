from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.models import Payment


class Reason(NamedTuple):
    what: str | Promise
    next: str | Promise


REASONS: dict[str, Reason] = {
    Payment.Reason.NOT_RECEIVED: Reason(
        _("The money has not arrived in our account."),
        _("Ask your bank or wallet whether it has been sent, and tell us again once it has."),
    ),
    Payment.Reason.AMOUNT_SHORT: Reason(
        _("Less has arrived than you told us of."),
        _("Compare the amount with your bank, mind its fees, and tell us again with the amount that was really sent."),
    ),
    Payment.Reason.WRONG_CURRENCY: Reason(
        _("The money was sent in another currency."),
        _("Pay in the currency of the invoice, or tell us again with the currency that you sent."),
    ),
    Payment.Reason.DUPLICATE_REFERENCE: Reason(
        _("This reference belongs to a payment that we know already."),
        _("Look up the reference of this very payment with your bank, and tell us again with that."),
    ),
    Payment.Reason.UNREADABLE_PROOF: Reason(
        _("We could not read the proof that you sent."),
        _("Send a clear picture or file that shows the date, the amount and the reference."),
    ),
    Payment.Reason.PROOF_MISMATCH: Reason(
        _("The proof is of another payment than the one you told us of."),
        _("Compare the date, the amount and the reference, and send the proof that belongs to this payment."),
    ),
    Payment.Reason.WRONG_BENEFICIARY: Reason(
        _("The money was sent to an account that is not ours."),
        _("Ask your bank to call it back, and pay to the account that is named below."),
    ),
    Payment.Reason.PAYER_MISMATCH: Reason(
        _("The name of the payer is not one that we can match with your account."),
        _("Tell us again, with the name of the payer exactly as the bank has it."),
    ),
    Payment.Reason.INVOICE_CLOSED: Reason(
        _("The invoice is closed: nothing of it was open any more."),
        _("Look at your invoices for what is open now."),
    ),
    # A suspicion is not told to the customer.
    Payment.Reason.SUSPECTED_FRAUD: Reason(
        _("We could not verify this payment."),
        _("Get in touch with us before you pay again."),
    ),
    Payment.Reason.OTHER: Reason(
        _("We could not match this payment with the invoice."),
        _("Check the reference and the amount with your bank, and tell us again."),
    ),
}


def reason_for(code: str) -> Reason:
    return REASONS.get(code, REASONS[Payment.Reason.OTHER])
