"""Taxes of an invoice: by which rule, what they are to the cent."""

from workflows.tax.arithmetic import Calculation, Item, Tax, TaxTotal, calculate
from workflows.tax.checks import check
from workflows.tax.rules import tax_for
from workflows.tax.tax_ids import TaxIdCheck, check_tax_id
from workflows.tax.templates import rules_from_template

__all__ = [
    "Calculation",
    "Item",
    "Tax",
    "TaxIdCheck",
    "TaxTotal",
    "calculate",
    "check",
    "check_tax_id",
    "rules_from_template",
    "tax_for",
]
