"""The verbs of people that are no transition: sign up, choose a plan, claim a payment, void an invoice..."""

from workflows.actions.accounts import change_account, close_account
from workflows.actions.decisions import (
    approve_payment,
    decide_many,
    decide_payment,
    excluded_from_bulk,
    reverse_payment,
)
from workflows.actions.invoices import available_to, void_invoice
from workflows.actions.offers import find_method, find_plan
from workflows.actions.payments import claim_by_link, claim_payment, record_from_line, record_payment
from workflows.actions.sign_up import SignUp, sign_up
from workflows.actions.subscriptions import (
    cancel_at_period_end,
    choose_plan,
    keep_plan,
    price_of,
)

__all__ = [
    "SignUp",
    "approve_payment",
    "available_to",
    "cancel_at_period_end",
    "change_account",
    "choose_plan",
    "claim_by_link",
    "claim_payment",
    "close_account",
    "decide_many",
    "decide_payment",
    "excluded_from_bulk",
    "find_method",
    "find_plan",
    "keep_plan",
    "price_of",
    "record_from_line",
    "record_payment",
    "reverse_payment",
    "sign_up",
    "void_invoice",
]
