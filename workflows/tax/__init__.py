"""Taxes of an invoice: what is asked for, by which rule, to the cent."""

from workflows.tax.arithmetic import Calculation, Item, Tax, TaxTotal, calculate
from workflows.tax.checks import check

__all__ = ["Calculation", "Item", "Tax", "TaxTotal", "calculate", "check"]
