"""Who gets the mails of an account, and what may be sent to an address before it is proved.

Anybody can sign up with anybody's address. Until it is proved, a mail to it holds no word that the sender typed; only
answers about money are sent, a few a day; the rest waits, for a month at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.crypto import salted_hmac

from core.models import Account, Invitation, RateLimitBucket, User
from core.validation.email import canonical_email
from core.validation.mailboxes import host_of, is_reserved
from engine import NotYet, look_again
from engine.models import Effect
from engine.pipeline import ask
from workflows.periods import database_now

UNPROVED_A_DAY = 3  # mails to one address, of whatever accounts
FIRST_LOOK, LOOKS_EVERY = timedelta(minutes=10), timedelta(days=1)  # the first: a proof may have come meanwhile
DECLINED_FOR = timedelta(days=30)
LOOKS = 31  # after so many an effect is dropped

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Readers:
    """is_bare: without a word that the sender typed."""

    to: Sequence[str]
    is_bare: bool = False


NOT_PROVED = "it waits until the address is proved"
NO_TURN = f"an address that nobody has proved gets {UNPROVED_A_DAY} mails a day"


class Unproved(Exception):  # noqa: N818 - no error: it is waited for
    """Not an error: it is waited for."""


def readers_of(account: Account, effect: Effect, *, answers: bool, to_log_in: bool = False) -> Readers:
    """answers: about money, so also to an unproved address. to_log_in: to owners in any case.

    Raises Unproved if all of it has to wait.
    """
    billing = account.billing_email if not account.is_billing_email_refused else ""
    if billing and account.is_billing_email_proved and not to_log_in:
        return Readers([billing])
    here = account.memberships.filter(user__former_email_digest="")  # who signed up elsewhere has no address any more
    members = here.values_list("role", "user__email", "user__email_canonical", "user__email_verified_at")
    rows = list(members.order_by("pk"))
    owners = [email for role, email, _, _ in rows if role == "owner"]
    known = [email for role, email, _, at in rows if role == "owner" and (at is not None or account.proved_at)]
    if billing and not (to_log_in and owners):
        if any(at is not None and address == canonical_email(billing) for _, _, address, at in rows):
            return Readers([billing])
        if answers:
            return Readers(_with_a_turn([billing], effect), is_bare=True)
        owners = [billing]
    if known:
        return Readers(known)
    if answers or not owners:
        return Readers(_with_a_turn(owners, effect), is_bare=True)
    raise Unproved(NOT_PROVED)


def was_postponed(effect: Effect) -> bool:
    """It was postponed, so what it tells of may be old."""
    return effect.last_error in (NOT_PROVED, NO_TURN)


def postpone_or_drop(effect: Effect, kind: str, reason: object) -> Outcome:
    """Raises NotYet; after a month returns that it was dropped."""
    if effect.fence > LOOKS:
        return {"kind": kind, "recipients": [], "dropped": f"{reason}, for {LOOKS - 1} days"}
    raise NotYet(str(reason), after=FIRST_LOOK if effect.fence <= 1 else LOOKS_EVERY)


def needs_proof(account: Account) -> bool:
    """The billing address is not proved, or refuses mail."""
    if not account.billing_email or account.is_billing_email_refused:
        return bool(account.billing_email)
    if account.is_billing_email_proved:
        return False
    same = account.memberships.filter(user__email_canonical=canonical_email(account.billing_email))
    return not same.filter(user__email_verified_at__isnull=False).exists()


def count_unproved_mail(address: str, effect: Effect) -> None:
    """Counts one more mail. Raises Unproved if today's are used up."""
    _with_a_turn([address], effect)


def is_known(user: User, account: Account) -> bool:
    return user.email_verified_at is not None or account.proved_at is not None or user.is_staff


def remember_declined(invitation: Invitation) -> None:
    until = database_now() + DECLINED_FOR
    RateLimitBucket.objects.update_or_create(key=_declined(invitation), defaults={"until": until})


def has_declined(invitation: Invitation) -> bool:
    return RateLimitBucket.objects.filter(key=_declined(invitation), until__gt=database_now()).exists()


def prove_by_link(user: User) -> None:
    """Sends what waited for it."""
    membership = getattr(user, "membership", None)
    if membership is None:
        return
    account = Account.objects.filter(pk=membership.account_id)
    account.filter(refused_email=user.email_canonical).update(refused_email="")  # that mail did arrive
    look_again(membership.account_id)


def prove_billing_address(account: Account, email: str) -> bool:
    """False if it is no longer their billing address."""
    proved = canonical_email(email)
    if not account.billing_email or canonical_email(account.billing_email) != proved:
        return False
    same = Account.objects.filter(pk=account.pk, billing_email=account.billing_email)
    if not same.update(proved_email=proved, refused_email=""):
        return False
    look_again(account.pk)
    return True


def prove_by_payment(accounts: Iterable[Account], now: datetime) -> None:
    """Locked by the caller; writes nothing for those proved already."""
    news = [
        (account, canonical_email(account.billing_email) if account.billing_email else account.proved_email)
        for account in accounts
        if account.proved_at is None or (account.billing_email and not account.is_billing_email_proved)
    ]
    if not news:
        return
    for account, email in news:
        account.proved_at, account.proved_email = account.proved_at or now, email
    # Not by bulk_update, whose CASE of one branch a row took a sixth of a worker's time in a bulk settlement.
    ask(
        """UPDATE core_account AS account SET proved_at = proved.at, proved_email = proved.email
           FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[]) AS proved (id, at, email)
           WHERE account.id = proved.id""",
        [
            [account.pk for account, _ in news],
            [account.proved_at for account, _ in news],
            [account.proved_email for account, _ in news],
        ],
    )
    look_again(*(account.pk for account, _ in news))


def _with_a_turn(addresses: Sequence[str], effect: Effect) -> list[str]:
    """Those that may get an unproved mail today; each effect takes its turn once. Raises Unproved."""
    open_ = [address for address in addresses if is_reserved(host_of(address)) or _takes_a_turn(address, effect)]
    if addresses and not open_:
        raise Unproved(NO_TURN)
    return open_


def _takes_a_turn(address: str, effect: Effect) -> bool:
    # Each turn is a row, taken for a day; outside any transaction, so kept at once.
    who, mine = _digest(canonical_email(address)), f"bare:{_digest(f'{canonical_email(address)} {effect.pk}')}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM core_ratelimitbucket WHERE key = %s AND until > now()", [mine])
        if cursor.rowcount:
            return True
        for turn in range(UNPROVED_A_DAY):
            cursor.execute(
                """WITH turn AS (
                       INSERT INTO core_ratelimitbucket AS taken (key, until) VALUES (%s, now() + interval '1 day')
                       ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE taken.until <= now()
                       RETURNING until)
                   INSERT INTO core_ratelimitbucket (key, until) SELECT %s, until FROM turn
                   ON CONFLICT (key) DO UPDATE SET until = excluded.until""",
                [f"bare:{who}:{turn}", mine],
            )
            if cursor.rowcount:
                return True
    return False


def _declined(invitation: Invitation) -> str:
    return f"declined:{_digest(f'{invitation.account_id} {invitation.email_canonical}')}"


def _digest(who: str) -> str:
    # The table contains no addresses.
    return salted_hmac("workflows.proof", who, algorithm="sha256").hexdigest()[:32]
