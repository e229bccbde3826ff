from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils.translation import override

from core.models import Account, Invoice, SellerVersion
from core.problems import ValidationError
from core.validation.number_templates import number_text
from workflows.documents.composing.invoice import invoice_data
from workflows.documents.composing.parts import with_seller
from workflows.periods import database_now

SIGN = "SAMPLE"


def sample_invoice(seller: SellerVersion, *, language: str = "en") -> bytes:
    """A PDF of an invoice that does not exist. Raises ValidationError for letters that no font has."""
    from workflows.documents.printing import MissingLetters, draw_document  # with typst: of who looks at a sample alone

    today = database_now().date()
    amount = Decimal("89.00")
    invoice = Invoice(
        account=Account(name="Example & Sons", country=seller.country),
        seller=seller,
        number=number_text(seller.seller.template_for("invoice"), year=today.year, number=123),
        payment_reference="K2M7X4R907",
        status=Invoice.Status.PENDING,
        currency="USD",
        total=amount,
        issued_on=today,
        due_on=today + timedelta(days=7),
        metadata={
            "agreed": {"customer": "Example & Sons", "plan": "Example"},
            "billing_snapshot": {"address_line1": "1 Example Street", "city": "Exampletown", "country": seller.country},
        },
    )
    with override(language):
        data = with_seller(invoice_data(invoice, language), seller)
    try:
        return draw_document({**data, "sign": SIGN})
    except MissingLetters as error:
        raise ValidationError({"letters": [str(error)]}) from error
