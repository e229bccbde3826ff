from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.transaction import atomic
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.models import Account, CreditEntry, Membership, Policy, User
from core.problems import Conflict, InsufficientCredits, PermissionDenied, ValidationError
from core.validation.text import check_reason
from engine.ids import uuid7
from engine.pipeline import ask
from workflows.actions.service_rules import Act, may, refusal, states_that_may
from workflows.settlement.credits import adjustment, post
from workflows.settlement.locking import lock_account

LONGEST_REASON = 200
CONSUMED_AT_MOST = 1_000_000_000  # credits, by one line

Role, ConsumeBy = Membership.Role, Account.ConsumeBy
# By role: the settings of an account under which it may use the credits.
OPEN_TO = {
    Role.OWNER: (ConsumeBy.ALL, ConsumeBy.MEMBER, ConsumeBy.ADMIN),
    Role.ADMIN: (ConsumeBy.ALL, ConsumeBy.MEMBER, ConsumeBy.ADMIN),
    Role.MEMBER: (ConsumeBy.ALL, ConsumeBy.MEMBER),
    Role.VIEWER: (ConsumeBy.ALL,),
}
CLOSED_TO: dict[str, str | Promise] = {
    ConsumeBy.ALL: gettext_lazy("Only those who belong to the account may use its credits."),
    ConsumeBy.MEMBER: gettext_lazy("Viewers may not use the credits of this account."),
    ConsumeBy.ADMIN: gettext_lazy("Only owners and admins may use the credits of this account."),
}


# One statement: one round trip and one commit. The account is locked first, so that concurrent callers cannot overdraw;
# a reference that exists already takes nothing.
_CONSUME = """
    WITH account AS (
        SELECT id, credits - %(amount)s AS rest FROM core_account
        WHERE id = %(account)s AND credits >= %(amount)s AND status = ANY(%(usable)s) AND consume_by = ANY(%(open_to)s)
        FOR NO KEY UPDATE
    ), line AS (
        INSERT INTO core_creditentry (id, account_id, kind, amount, balance_after, key, description, created_at)
        SELECT %(id)s, id, 'consume', -%(amount)s, rest, %(key)s, %(description)s, now() FROM account
        ON CONFLICT (account_id, key) DO NOTHING RETURNING account_id, balance_after, created_at
    ), taken AS (
        UPDATE core_account SET credits = credits - %(amount)s FROM line WHERE core_account.id = line.account_id
    )
    SELECT balance_after, created_at FROM line"""


def consume(account: Account, amount: int, *, reference: str, by: User, description: str = "") -> CreditEntry:
    """Use credits. The same reference again returns its first line.

    Raises ValidationError for an amount below 1 or above a billion, PermissionDenied for roles outside the account's
    `consume_by`, InsufficientCredits, WrongState if the account may not use credits now, Conflict for a reference that
    was used for another amount.
    """
    if not 1 <= amount <= CONSUMED_AT_MOST:  # a negative amount would add credits
        raise ValidationError({"amount": [_("Use from 1 to 1,000,000,000 credits.")]})
    open_to = [str(setting) for setting in open_to_role(by.role_in(account.pk))]
    entry = CreditEntry(
        account_id=account.pk,
        kind=CreditEntry.Kind.CONSUME,
        amount=-amount,
        key=f"consume:{reference}",
        description=description,
    )
    values: dict[str, Any] = {
        "id": entry.pk,
        "account": account.pk,
        "amount": amount,
        "key": entry.key,
        "description": description,
        "usable": states_that_may(Act.USE_CREDITS),
        "open_to": open_to,
    }
    if taken := ask(_CONSUME, values).fetchone():
        entry.balance_after, entry.created_at = taken
        entry._state.adding, entry._state.db = False, connection.alias
        return entry
    account = Account.objects.get(pk=account.pk)
    if account.consume_by not in open_to:
        raise PermissionDenied(str(CLOSED_TO[account.consume_by]))
    first = CreditEntry.objects.filter(account=account, key=entry.key).first()
    if first is None:
        raise _why_not(account, amount)
    if first.amount != -amount:
        words = _("The reference %(reference)s was used for %(amount)d credits.")
        raise Conflict(words % {"reference": reference, "amount": -first.amount})
    return first


def open_to_role(role: str | None) -> Sequence[str]:
    """Values of `consume_by` under which that role may use the credits; none for a stranger."""
    return OPEN_TO[Role(role)] if role else ()


def adjust(account: Account, amount: int, *, reason: str, by: User) -> CreditEntry:
    """Add or take credits by hand. The customer sees the reason in the ledger.

    Raises PermissionDenied, InsufficientCredits, and ValidationError for 0, for more than the policy's
    adjustment_limit, and for a missing or too long reason.
    """
    if not by.may_decide_on(account.pk, "core.adjust_credits"):
        raise PermissionDenied("You may not adjust the credits of this account.")
    if amount == 0:
        raise ValidationError({"amount": ["Nothing would change."]})
    _check_limit(amount)
    reason = check_reason(reason, longest=LONGEST_REASON)
    with atomic():
        row = lock_account(account)
        if row.credits + amount < 0:
            raise InsufficientCredits(f"The account has {row.credits} credits.", credits=row.credits)
        entry = adjustment(row, amount, key=f"adjust:{uuid7()}", description=reason, cause_id=None)
        entry.actor = by
        post([entry])
    return entry


def _check_limit(amount: int) -> None:
    limit = Policy.current().adjustment_limit
    if abs(amount) > limit:
        words = f"One line gives or takes at most {limit:,} credits: that is the adjustment limit of the policy."
        raise ValidationError({"amount": [words]})


def _why_not(account: Account, amount: int) -> Exception:
    if not may(account, Act.USE_CREDITS):
        return refusal(account, Act.USE_CREDITS)
    return InsufficientCredits(
        _("%(amount)d credits are wanted, %(left)d are there.") % {"amount": amount, "left": account.credits},
        credits=account.credits,
    )
