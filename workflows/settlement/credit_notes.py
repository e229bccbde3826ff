from __future__ import annotations

from core.models import Invoice
from engine import caused_by, effect_handler, perform_many
from engine.models import Effect


@effect_handler("credit_note.drop")
def drop_credit_note(invoice: Invoice, effect: Effect) -> None:
    """The draft of an invoice that is demanded no more. A second run finds none."""
    drafts = invoice.credit_notes.drafts().select_for_update(no_key=True)
    perform_many([caused_by(effect, draft.lapse) for draft in drafts])
