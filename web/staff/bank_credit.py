"""What a line page offers for money that pays no invoice: the balance of an account."""

from __future__ import annotations

from typing import Any

from core.models import StatementLine
from web.staff.access import REVIEW, StaffRequest, may_see
from web.staff.accounts import find_accounts
from workflows.bank import accounts_of_payer

WORDS_MOST = 100


def credit_context(request: StaffRequest, line: StatementLine) -> dict[str, Any]:
    """The accounts that were searched for; without a search, those that this payer has paid for."""
    if not may_see(request.user, REVIEW):  # a payment is recorded
        return {}
    words = " ".join(request.GET.get("account", "").split())[:WORDS_MOST]
    accounts = find_accounts(words) if words else accounts_of_payer(line)
    return {"may_credit": True, "account_words": words, "accounts": accounts}
