"""Anybody may sign up with another's address: it counts if it is proved, else in the accounts they act for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from core.models import Account, User
from core.models.user import NO_ADDRESS, email_digests
from core.validation.email import canonical_email
from engine.models import Transition
from engine.stateful import NO_TENANT
from workflows.mail.sending import composers

NO_MAILBOX = (NO_ADDRESS, "@erased.invalid")
OF_A_LOG_IN = ["mail.password_reset", "mail.verify_email"]  # asked for by anybody who types an address: of no account
OF_AN_ACCOUNT = ["mail.verify_email", "mail.verify_billing_email", "mail.address_refused"]  # address in the payload


@dataclass
class Mailed:
    """Addresses are in lower case."""

    person: UUID
    log_in: list[str] = field(default_factory=list)
    is_proved: bool = False
    accounts: list[UUID] = field(default_factory=list)  # in which the log-in's address is theirs, proved or not
    closed: UUID | None = None  # the account that is theirs alone
    billed: list[str] = field(default_factory=list)  # of that one


def mailed_to(user: User, account: Account | None) -> Mailed:
    """account: one whose mails are this person's, too."""
    spellings = {user.email.lower(), user.email_canonical}
    return Mailed(
        person=user.pk,
        log_in=sorted(address for address in spellings if not address.endswith(NO_MAILBOX)),
        is_proved=user.email_verified_at is not None or user.is_staff,
        accounts=_accounts_of(user),
        closed=account.pk if account else None,
        billed=_billed(user, account) if account else [],
    )


def mails_of(mailed: Mailed) -> list[dict[str, Any]]:
    """Oldest first."""
    names = ("kind", "recipient", "sent_at")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT mail.kind, mail.recipient, mail.sent_at
                FROM audit.mails AS mail JOIN engine_effect AS effect ON effect.id = mail.effect_id
                WHERE {_theirs("mail.recipient")} ORDER BY mail.sent_at""",  # noqa: S608 - our own words
            _values(mailed),
        )
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def forget_mails(mailed: Mailed, nobody: str) -> int:
    """Also mails still to be sent. Reads every effect: seconds for millions."""
    values = {**_values(mailed), "nobody": nobody}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE engine_effect AS effect SET outcome = jsonb_set(outcome, '{{recipients}}', (
                    SELECT jsonb_agg(CASE WHEN {_theirs("address")} THEN %(nobody)s ELSE address END)
                    FROM jsonb_array_elements_text(outcome -> 'recipients') AS address))
                WHERE jsonb_typeof(outcome -> 'recipients') = 'array' AND EXISTS (
                    SELECT FROM jsonb_array_elements_text(outcome -> 'recipients') AS address
                    WHERE address <> %(nobody)s AND {_theirs("address")})""",  # noqa: S608 - our own words
            values,
        )
        changed = cursor.rowcount
        cursor.execute(
            f"""UPDATE engine_effect AS effect SET payload = payload || jsonb_build_object('email', %(nobody)s::text)
                    || CASE WHEN payload ? 'answer' THEN '{{"answer": ""}}'::jsonb ELSE '{{}}'::jsonb END
                WHERE payload ->> 'email' <> %(nobody)s AND {_theirs("payload ->> 'email'")}""",  # noqa: S608
            values,
        )
        changed += cursor.rowcount
        # What a mail server said of an address names it.
        cursor.execute(
            """UPDATE engine_effect SET last_error = '' WHERE kind LIKE 'mail.%%' AND last_error LIKE '%%@%%' AND (
                   account_id = %(closed)s OR payload ->> 'user' = %(person)s OR payload ->> 'email' = %(nobody)s)""",
            values,
        )
        return int(changed + cursor.rowcount)


def _theirs(address: str) -> str:
    """SQL: whether a mail of `effect` to this address was to the person."""
    return f"""(
        effect.payload ->> 'user' = %(person)s
        OR lower({address}) = ANY(%(log_in)s) AND (
            %(is_proved)s OR effect.account_id = ANY(%(accounts)s) OR effect.kind = ANY(%(of_a_log_in)s))
        OR effect.account_id = %(closed)s AND lower({address}) = ANY(%(billed)s))"""


def _values(mailed: Mailed) -> dict[str, Any]:
    return {**vars(mailed), "person": str(mailed.person), "of_a_log_in": OF_A_LOG_IN}


def _accounts_of(user: User) -> list[UUID]:
    acted = Transition.objects.filter(actor=user).exclude(account_id=NO_TENANT).values_list("account_id", flat=True)
    return sorted({*acted, *Account.objects.filter(memberships__user=user).values_list("pk", flat=True)})


def _billed(user: User, account: Account) -> list[str]:
    """Without addresses that another person has proved."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT lower(address) FROM engine_effect AS effect,
                   jsonb_array_elements_text(CASE jsonb_typeof(outcome -> 'recipients')
                       WHEN 'array' THEN outcome -> 'recipients' ELSE '[]' END) AS address
               WHERE account_id = %(account)s AND kind = ANY(%(to_customers)s)
               UNION SELECT lower(payload ->> 'email') FROM engine_effect
               WHERE account_id = %(account)s AND kind = ANY(%(of_an_account)s)""",
            {
                "account": account.pk,
                "to_customers": [kind for kind, (_, to_staff) in composers.items() if not to_staff],
                "of_an_account": OF_AN_ACCOUNT,
            },
        )
        found = {address for (address,) in cursor.fetchall() if address} | {account.billing_email.lower()} - {""}
    return sorted(found - _of_others(user, found))


def _of_others(user: User, addresses: set[str]) -> set[str]:
    """Addresses that are another person's proved log-in; a later user of the same person is not another."""
    people = User.objects.filter(email_canonical__in=[canonical_email(each) for each in addresses]).exclude(pk=user.pk)
    taken = {
        person.email_canonical
        for person in people
        if (person.email_verified_at is not None or person.is_staff)
        and user.former_email_digest not in email_digests(person.email)
    }
    return {address for address in addresses if canonical_email(address) in taken}
