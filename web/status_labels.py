"""The codes are those of the API."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.models import Payment, User
from engine.stateful import Stateful
from workflows.actions.sites import Excess
from workflows.mail.rejection_reasons import reason_for

Label = tuple[Promise, str]

STATUSES: dict[str, dict[str, Label]] = {
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
    "refund": {
        "requested": (_("Requested"), "info"),
        "approved": (_("Approved"), "warn"),
        "sent": (_("Sent"), "info"),
        "settled": (_("Paid back"), "good"),
        "failed": (_("Failed"), "bad"),
        "cancelled": (_("Cancelled"), ""),
    },
    "creditnote": {
        "draft": (_("To decide"), "warn"),
        "issued": (_("Issued"), "info"),
        "applied": (_("Credited"), "good"),
        "cancelled": (_("Cancelled"), ""),
    },
    "document": {
        "waiting": (_("Not ready yet"), "warn"),
        "prepared": (_("Being made"), "info"),
        "made": (_("Ready"), "good"),
    },
    "statementline": {
        "open": (_("Open"), "warn"),
        "suggested": (_("Suggested"), "info"),
        "matched": (_("Matched"), "good"),
        "ignored": (_("Ignored"), ""),
        "returned": (_("Returned"), "bad"),
    },
}

DOCUMENT_KINDS = {
    "invoice": _("Invoice"),
    "proforma": _("Proforma invoice"),
    "receipt": _("Receipt"),
    "credit_note": _("Credit note"),
    "cancellation": _("Cancellation"),
    "reminder": _("Reminder"),
    "statement": _("Statement of account"),
}

KINDS = {
    "bank_transfer": _("Bank transfer"),
    "mobile_wallet": _("Mobile wallet"),
    "upi": "UPI",
    "pix": "PIX",
    "cash": _("Cash"),
}

ROLES = {"owner": _("Owner"), "admin": _("Admin"), "member": _("Member"), "viewer": _("Viewer")}
SITE_ROLES = {"manager": _("Manager"), "editor": _("Editor"), "viewer": _("Viewer")}
CONSUME_BY = {
    "all": _("Everybody in the account"),
    "member": _("Members, admins and owners"),
    "admin": _("Admins and owners"),
}
CREDIT_KINDS = {
    "grant": _("Granted"),
    "consume": _("Used"),
    "revoke": _("Taken back"),
    "adjust": _("Adjusted"),
}

EFFECT_TONES = {
    "dead": "bad", "uncertain": "warn", "waiting": "info", "ready": "info", "leased": "info", "done": "good"
}  # fmt: skip


def status_label(row: Stateful) -> Label:
    machine = row._meta.model_name or ""
    return STATUSES[machine][str(row.status)]


def status_name(machine: str, code: str) -> str:
    """The code if there is no label."""
    return str(STATUSES.get(machine, {}).get(code, (code, ""))[0])


def person_name(user: User) -> str:
    """The e-mail address, unless it has moved to their new account."""
    return gettext("Somebody who has a new account") if user.former_email_digest else user.email


def excess_text(found: Mapping[str, Excess]) -> str:
    """Empty if everything fits."""
    words = {
        "sites": gettext("Sites: %(used)d in use, the plan has room for %(limit)d."),
        "users": gettext("People: %(used)d in the account, the plan has room for %(limit)d."),
    }
    return " ".join(words[name] % {"used": each.used, "limit": each.limit} for name, each in found.items())


def canned_reasons() -> list[tuple[str, str]]:
    """(code, the label for staff with the sentence that the customer reads)"""
    return [(code.value, f"{code.label}: {reason_for(code).what}") for code in Payment.Reason]
