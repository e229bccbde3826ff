"""What a status is called on a page, and its colour. The codes stay as the product specifies them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.models.stateful import Stateful

Words = tuple[Promise, str]

STATUSES: dict[str, dict[str, Words]] = {
    "account": {
        "trial": (_("On trial"), "info"),
        "pending_payment": (_("Waiting for payment"), "warn"),
        "active": (_("Active"), "good"),
        "past_due": (_("Past due"), "bad"),
        "suspended": (_("Suspended"), "bad"),
        "expired": (_("Ended"), ""),
        "closed": (_("Closed"), ""),
    },
    "subscription": {
        "pending_payment": (_("Waiting for payment"), "warn"),
        "active": (_("Active"), "good"),
        "past_due": (_("Past due"), "bad"),
        "suspended": (_("Suspended"), "bad"),
        "cancelled": (_("Cancelled"), ""),
        "expired": (_("Expired"), ""),
    },
    "invoice": {
        "draft": (_("Draft"), ""),
        "pending": (_("To pay"), "warn"),
        "partially_paid": (_("Partly paid"), "warn"),
        "paid": (_("Paid"), "good"),
        "void": (_("Void"), ""),
        "uncollectible": (_("Written off"), ""),
    },
    "payment": {
        "pending_approval": (_("In review"), "info"),
        "approved": (_("Approved"), "good"),
        "succeeded": (_("Received"), "good"),
        "failed": (_("Rejected"), "bad"),
        "cancelled": (_("Withdrawn"), ""),
        "reversed": (_("Reversed"), "bad"),
    },
}

# What staff's reason codes say to a customer, and what to do next.
REASONS = {
    "not_received": _("The money has not arrived. Check with your bank, then confirm again."),
    "amount_short": _("Less arrived than you stated. Send the rest, or confirm the amount that you sent."),
    "wrong_currency": _("It came in another currency. Contact us, or pay in the invoice's currency."),
    "duplicate_reference": _("This reference belongs to another payment. Enter the one of this payment."),
    "unreadable_proof": _("The proof could not be read. Link a clearer one."),
    "proof_mismatch": _("The proof does not fit what you stated. Check amount, date and reference."),
    "wrong_beneficiary": _("It was sent to another account. Ask your bank to recall it, then pay us."),
    "payer_mismatch": _("It came from somebody else. Tell us the name of the payer."),
    "invoice_closed": _("The invoice was closed already. Contact us about this payment."),
    "suspected_fraud": _("We could not accept this payment. Contact us."),
    "other": _("We could not accept this payment."),
}


def status_words(row: Stateful) -> Words:
    machine = row._meta.model_name or ""
    return STATUSES[machine][str(row.status)]
