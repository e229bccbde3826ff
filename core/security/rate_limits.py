"""Rate limits of log-in, sign-up, mails and links; docs/operations.md explains LIMIT_* and their scopes."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from core.db.autocommit import autocommit_cursor
from core.http.client_ip import client_ip, is_loopback, network_of
from core.models.rate_limit import RateLimitBucket
from core.problems import TooManyRequests
from core.security import events
from core.validation.email import canonical_email
from core.validation.mailboxes import host_of, is_large, is_reserved

log = logging.getLogger(__name__)

KNOWN_FOR = timedelta(days=30)
Limits = dict[str, tuple[int, timedelta]]  # by key: how many in how long
SUCCESS_WEIGHT = 10  # successes that weigh as one failure, in the scope `address`


@dataclass(frozen=True)
class RateLimit:
    name: str
    setting: str

    def attempt(self, request: Any, email: str = "") -> Attempt:
        """Count an attempt before it is made.

        Raises TooManyRequests, and then counts nothing. email: as typed, or empty.
        """
        caller = _Caller.of(request, email)
        limits = {
            caller.key(self.name, scope): limit
            for scope, limit in settings.LIMITS[self.setting].items()
            if caller.account or scope == "address"
        }
        with autocommit_cursor() as cursor:
            taken = _take(
                cursor,
                limits,
                of_the_account=caller.key(self.name, "account"),
                known=caller.key("any", "known"),
            )
        if taken.wait is not None:
            log.warning("%s: too many tries from %s", self.name, client_ip(request))
            events.record_refusal("too_many_tries", account=email, limit=self.name)
            raise _too_many(taken.wait)
        return Attempt(caller, {key: per / most for key, (most, per) in limits.items() if key in taken.keys})


LOGIN = RateLimit("login", "login")  # also for the old password, when it is changed
REGISTER = RateLimit("register", "register")
# Asking for one kind of mail does not block another.
RESET = RateLimit("reset", "mail")
VERIFY = RateLimit("verify", "mail")
INVITE = RateLimit("invite", "mail")
TEST_MAIL = RateLimit("test_mail", "mail")
LINK = RateLimit("link", "link")


@dataclass(frozen=True)
class Attempt:
    caller: _Caller
    costs: dict[str, timedelta]

    def is_from_elsewhere(self) -> bool:
        """Call it before `succeeded`."""
        keys = list(self.caller.known)
        return bool(keys) and not RateLimitBucket.objects.filter(key__in=keys, until__gt=Now()).exists()

    def succeeded(self) -> None:
        """Refund the weight of a failure, and trust this address for the account."""
        back = {key: -cost for key, cost in self.costs.items()}
        for key in back:
            if ":address:" in key:
                back[key] *= 1 - 1 / SUCCESS_WEIGHT
        _move(back | self.caller.known)


def count_sign_up(request: Any, email: str, *, is_trial: bool) -> list[Crowd]:
    """For a sign-up that is valid otherwise. Raises TooManyRequests."""
    REGISTER.attempt(request, email)
    return count_trial(request, email) if is_trial else []


def trust_address(request: Any, email: str) -> None:
    """Exempt it from the limit `account` for 30 days: the owner has proved the account in another way."""
    _move(_Caller.of(request, email).known)


def enforce_account_limit(act: str, account_id: UUID) -> None:
    """In the caller's transaction, with the account locked: a rollback undoes the count. Raises TooManyRequests."""
    limit = settings.ACCOUNT_LIMITS.get(act)
    if limit is None:
        return
    with connection.cursor() as cursor:
        taken = _take(cursor, {f"{act}:by:{_digest(str(account_id))}": limit})
    if taken.wait is not None:
        log.warning("%s: too often by the account %s", act, account_id)
        events.record_refusal("too_many_tries", limit=act)
        words = _("This has been done too often today. Try again in some hours, or ask us.")
        raise TooManyRequests(words, retry_after=taken.wait)


@dataclass(frozen=True)
class Crowd:
    """A source of many trials: a network (as a digest) or a mail domain."""

    reason: str
    key: str


def count_trial(request: Any, email: str) -> list[Crowd]:
    """Returns the crowds that staff should look at. Raises TooManyRequests past LIMIT_TRIAL_MOST."""
    address, host = client_ip(request), host_of(email)
    # A load test has one address.
    if settings.DEBUG and is_loopback(address):
        return []
    places = {"address": Crowd("network", _digest(network_of(address)))}
    if not (is_reserved(host) or is_large(host)):
        places["domain"] = Crowd("domain", host)
    with autocommit_cursor() as cursor:
        taken = _take(cursor, _limits_of_trials("trial_most", places))
        if taken.wait is not None:
            log.warning("trial: too many from %s or at %s", address, host)
            events.record_refusal("too_many_tries", account=email, limit="trial")
            raise _too_many(taken.wait)
        wanted = _limits_of_trials("trial", places)
        crowded = [key for key, limit in wanted.items() if _take(cursor, {key: limit}).wait is not None]
    found = [crowd for scope, crowd in places.items() if _key_of_trials("trial", scope, crowd) in crowded]
    for crowd in found:
        log.warning("trial: many from %s (%s %s)", address, crowd.reason, crowd.key)
    return found


def _limits_of_trials(setting: str, places: dict[str, Crowd]) -> Limits:
    limits = settings.LIMITS[setting]
    return {_key_of_trials(setting, scope, places[scope]): limits[scope] for scope in limits if scope in places}


def _key_of_trials(setting: str, scope: str, crowd: Crowd) -> str:
    return f"{setting}:{scope}:{_digest(crowd.key)}"


@dataclass(frozen=True)
class _Caller:
    account: str
    network: str

    @classmethod
    def of(cls, request: Any, email: str) -> _Caller:
        return cls(canonical_email(email) if email else "", network_of(client_ip(request)))

    @property
    def known(self) -> dict[str, timedelta]:
        return {self.key("any", "known"): KNOWN_FOR} if self.account else {}

    def key(self, gate: str, scope: str) -> str:
        """A digest: the table contains no addresses."""
        who = {"account": self.account, "address": self.network}.get(scope, f"{self.account} {self.network}")
        return f"{gate}:{scope}:{_digest(who)}"


@dataclass(frozen=True)
class _Taken:
    """wait: seconds until there is room again, if nothing was counted."""

    keys: frozenset[str]
    wait: int | None = None


def _take(cursor: CursorWrapper, limits: Limits, *, of_the_account: str = "", known: str = "") -> _Taken:
    cursor.execute(
        TAKE,
        {
            "keys": list(limits),
            "costs": [per / most for most, per in limits.values()],
            "rooms": [per for _, per in limits.values()],
            "of_the_account": of_the_account,
            "known": known,
        },
    )
    is_open, wait, taken = cursor.fetchone()
    if is_open:
        return _Taken(frozenset(taken or ()))
    return _Taken(frozenset(), max(1, math.ceil(wait.total_seconds())) if wait else 1)  # none: others were quicker


def _too_many(seconds: int) -> TooManyRequests:
    words = _("Too many tries. Please wait %(seconds)d seconds.") % {"seconds": seconds}
    return TooManyRequests(words, retry_after=seconds)


def _digest(who: str) -> str:
    return salted_hmac("core.limits", who.encode(errors="backslashreplace"), algorithm="sha256").hexdigest()[:32]


def _move(spans: dict[str, timedelta]) -> None:
    if spans:
        with autocommit_cursor() as cursor:
            cursor.execute(MOVE, {"keys": list(spans), "spans": list(spans.values())})


# GCRA: a leaky bucket as one moment, `until`, at which it is empty; it overflows beyond now + room. Keys are locked in
# ascending order, so that two statements cannot deadlock.
TAKE = """
    WITH asked AS (
        SELECT * FROM unnest(%(keys)s::text[], %(costs)s::interval[], %(rooms)s::interval[]) AS t(key, cost, room)
        WHERE key <> %(of_the_account)s
            OR NOT EXISTS (SELECT FROM core_ratelimitbucket AS known WHERE known.key = %(known)s AND until > now())),
    refused AS (
        SELECT used.until + cost - room - now() AS wait FROM asked JOIN core_ratelimitbucket AS used USING (key)
        WHERE used.until + cost > now() + room),
    taken AS (
        INSERT INTO core_ratelimitbucket AS used (key, until)
        SELECT key, now() + cost FROM asked WHERE NOT EXISTS (SELECT FROM refused) ORDER BY key
        ON CONFLICT (key) DO UPDATE SET until = greatest(used.until, now()) + (excluded.until - now())
        WHERE used.until + (excluded.until - now())
            <= now() + (SELECT room FROM asked WHERE asked.key = excluded.key)
        RETURNING key)
    SELECT (SELECT count(*) FROM taken) = (SELECT count(*) FROM asked), (SELECT max(wait) FROM refused),
        (SELECT array_agg(key) FROM taken)"""
MOVE = """
    INSERT INTO core_ratelimitbucket AS used (key, until)
    SELECT key, now() + span FROM unnest(%(keys)s::text[], %(spans)s::interval[]) AS t(key, span) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET until = CASE
        WHEN excluded.until < now() THEN used.until + (excluded.until - now())
        ELSE greatest(used.until, excluded.until) END"""
