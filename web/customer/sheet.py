from __future__ import annotations

from dataclasses import dataclass

from core.models import Invoice
from core.models.invoice_line import lines_of
from workflows.documents.composing.invoice import line_table, tax_notes, tax_tables, totals_of
from workflows.documents.composing.parts import paragraphs, seller_part
from workflows.documents.rendering.data import Section, Seller, Total


@dataclass(frozen=True)
class Cell:
    label: str  # of its column
    text: str
    is_amount: bool


@dataclass(frozen=True)
class Sheet:
    """What the file of an invoice says, in the reader's language."""

    seller: Seller | None
    sections: list[Section]
    totals: list[Total]
    notes: list[str]

    @classmethod
    def of(cls, invoice: Invoice) -> Sheet:
        return cls(
            seller=seller_part(invoice.seller, kind="invoice") if invoice.seller else None,
            sections=[line_table(lines_of(invoice), invoice.currency), *tax_tables(invoice)],
            totals=totals_of(invoice),
            notes=[*tax_notes(invoice), *paragraphs(invoice.seller.terms if invoice.seller else "")],
        )

    @property
    def tables(self) -> list[list[list[Cell]]]:
        return [
            [
                [
                    Cell(column["label"], text, column["align"] == "end")
                    for column, text in zip(section["columns"], row, strict=True)
                ]
                for row in section["rows"]
            ]
            for section in self.sections
        ]
