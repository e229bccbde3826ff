"""Who has paid for whom before."""

from __future__ import annotations

from core.models import Account, PayerIdentity, Payment, StatementLine, User
from core.validation.text import search_key
from workflows.bank.clues import fold_account

ACCOUNTS_MOST = 5
Known = tuple[PayerIdentity.Kind, str]


def accounts_of_payer(line: StatementLine) -> list[Account]:
    """For which this payer has paid before: by number, by name alone only where the line has no number."""
    known = _identities(line)
    if not known:
        return []
    kind, value = known[0]
    found = Account.objects.filter(payer_identities__kind=kind, payer_identities__value=value)
    return list(found.order_by("name", "pk")[:ACCOUNTS_MOST])


def remember_payer(line: StatementLine, payment: Payment, *, by: User) -> None:
    PayerIdentity.objects.bulk_create(
        [
            PayerIdentity(account_id=payment.account_id, kind=kind, value=value, confirmed_by=by)
            for kind, value in _identities(line)
        ],
        ignore_conflicts=True,
    )


def _identities(line: StatementLine) -> list[Known]:
    """The surest first."""
    said = [
        (PayerIdentity.Kind.ACCOUNT, fold_account(line.payer_account)),
        (PayerIdentity.Kind.NAME, search_key(line.payer_name)[:200]),
    ]
    return [(kind, value) for kind, value in said if value]
