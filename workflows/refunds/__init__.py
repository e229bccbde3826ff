"""Money that goes back: requested by one person, approved by another, paid by the operator's bank."""

from workflows.refunds.payout_file import payout_csv, payout_pain001, refunds_to_pay
from workflows.refunds.requests import Payee, request_refund

__all__ = ["Payee", "payout_csv", "payout_pain001", "refunds_to_pay", "request_refund"]
