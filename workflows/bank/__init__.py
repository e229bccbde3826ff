"""The operator's bank: statements are read, their lines are matched with payments, money is sent back."""

from workflows.bank.accounts import save_bank_account
from workflows.bank.matches import Part, match_line, return_line, unmatch_line
from workflows.bank.matching import Candidate, CandidateFinder
from workflows.bank.payers import accounts_of_payer
from workflows.bank.refund_lines import find_refunds, settle_refunds
from workflows.bank.returns import Returned, find_returned
from workflows.bank.uploads import import_statement

__all__ = [
    "Candidate",
    "CandidateFinder",
    "Part",
    "Returned",
    "accounts_of_payer",
    "find_refunds",
    "find_returned",
    "import_statement",
    "match_line",
    "return_line",
    "save_bank_account",
    "settle_refunds",
    "unmatch_line",
]
