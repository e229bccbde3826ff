from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, QuerySet
from django.db.transaction import atomic

from core.models import Account, CrowdedTrial, RateLimitBucket, User
from core.models.user import email_digests
from core.problems import NotFound, PermissionDenied
from core.security.rate_limits import Crowd
from core.validation.mailboxes import mailbox_of
from engine.models import Transition
from workflows.actions.accounts import close_account
from workflows.periods import database_now

TRIAL_AGAIN_AFTER = timedelta(days=365)
CLOSED_AT_ONCE = 100
SHOWN_ACCOUNTS = 20

TAKE = """
    INSERT INTO core_ratelimitbucket AS taken (key, until) VALUES (%s, now() + make_interval(days => %s))
    ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE taken.until <= now()"""


@dataclass(frozen=True)
class Cluster:
    """Unreviewed trials of one network or mail domain. accounts: the first SHOWN_ACCOUNTS."""

    reason: str
    key: str
    count: int
    since: datetime
    accounts: Sequence[Account]

    @property
    def words(self) -> str:
        # A digest: the log names the network beside it.
        return f"From the network {self.key[:8]}" if self.reason == "network" else f"At {self.key}"


def take_trial(email: str) -> bool:
    """Take the mailbox's trial for a year; False if it had one. Needs the sign-up's transaction."""
    if had_trial_lately(email):
        return False
    with connection.cursor() as cursor:
        # Of two concurrent sign-ups the second waits here.
        cursor.execute(TAKE, [_keys(email)[0], TRIAL_AGAIN_AFTER.days])
        return bool(cursor.rowcount)


def had_trial_lately(email: str) -> bool:
    if RateLimitBucket.objects.filter(key__in=_keys(email), until__gt=database_now()).exists():
        return True
    # Trials from before this table: by the address alone, of an account that was closed since.
    people = User.objects.former_owners_of(email)
    births = Transition.objects.filter(
        machine="account",
        object_id__in=Account.objects.filter(memberships__user__in=people).values("pk"),
        seq=1,
        target=Account.Status.TRIAL,
        actor__in=people,
        at__gt=database_now() - TRIAL_AGAIN_AFTER,
    )
    return births.exists()


def forget_trial(email: str) -> None:
    RateLimitBucket.objects.filter(key__in=_keys(email)).delete()


def record_crowded_trial(account: Account, crowds: Iterable[Crowd]) -> None:
    CrowdedTrial.objects.bulk_create(
        CrowdedTrial(account=account, reason=crowd.reason, key=crowd.key) for crowd in crowds
    )


def clusters() -> list[Cluster]:
    """The largest first."""
    return _clusters(CrowdedTrial.objects.filter(seen_at__isnull=True))


def cluster_of(reason: str, key: str) -> Cluster | None:
    return next(iter(_clusters(_unseen(reason, key))), None)


def mark_seen(reason: str, key: str, *, by: User) -> int:
    """Returns how many. Raises NotFound."""
    _check_may_manage(by)
    count = _unseen(reason, key).update(seen_at=database_now(), seen_by=by)
    if not count:
        raise NotFound("There is no such cluster any more.")
    return count


def close_cluster(reason: str, key: str, *, by: User, why: str) -> tuple[int, int]:
    """Close trials that never claimed a payment, at most a hundred. Returns (closed, left open)."""
    _check_may_manage(by)
    rows = list(_unseen(reason, key).select_related("account").order_by("pk")[:CLOSED_AT_ONCE])
    if not rows:
        raise NotFound("There is no such cluster any more.")
    closed = sum(_close(row, by, why) for row in rows)
    return closed, len(rows) - closed


def _clusters(trials: QuerySet[CrowdedTrial]) -> list[Cluster]:
    rows = trials.values("reason", "key").annotate(count=Count("pk"), since=Min("created_at"))
    return [
        Cluster(**row, accounts=_accounts(row["reason"], row["key"]))
        for row in rows.order_by("-count", "since")[:SHOWN_ACCOUNTS]
    ]


def _close(row: CrowdedTrial, by: User, why: str) -> bool:
    account = row.account
    is_idle = account.status == Account.Status.TRIAL and not account.payments.exists()
    with atomic():
        if is_idle:
            close_account(account, by=by, reason=why)
        CrowdedTrial.objects.filter(pk=row.pk).update(seen_at=database_now(), seen_by=by)
    return is_idle


def _check_may_manage(by: User) -> None:
    if not by.is_granted("core.manage_accounts"):
        raise PermissionDenied("You may not manage accounts.")


def _unseen(reason: str, key: str) -> QuerySet[CrowdedTrial]:
    return CrowdedTrial.objects.filter(reason=reason, key=key, seen_at__isnull=True)


def _accounts(reason: str, key: str) -> list[Account]:
    return list(Account.objects.filter(crowds__in=_unseen(reason, key)).order_by("pk")[:SHOWN_ACCOUNTS])


def _keys(email: str) -> list[str]:
    """With SECRET_KEY, then with each fallback."""
    return [f"trial:{digest[:32]}" for digest in email_digests(mailbox_of(email))]
