"""Claims by risk, then by age. The score orders the queue, it decides nothing. docs/operations.md lists the flags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from core.models import Invoice, Payment
from core.models.payment import PaymentQuerySet, claims_before
from core.money import money_text
from engine.pipeline import ask
from workflows.payees.changes import changed_lately

MAX_RANKED = 1000  # claims, so that the page's cost has a limit
NEW_ACCOUNT_AGE = timedelta(days=30)
HIGH_AMOUNT_FACTOR = 5  # times the median of its currency
MIN_MEDIAN_SAMPLE = 5  # payments; no median of fewer
MEDIAN_SAMPLE = 200  # the newest payments of a currency
PLAIN_REFERENCE = re.compile(r"[A-Za-z0-9 ./:#_+()-]*", re.ASCII)  # what banks print in a reference

USED_ELSEWHERE, SECOND_CLAIM, ALL_TO_BALANCE = 5, 5, 5
WRONG_CURRENCY, REJECTED_BEFORE, CLAIMED_BEFORE = 3, 3, 3
AMOUNT_DIFFERS, IS_HIGH, UNUSUAL_REFERENCE, PAYEE_CHANGED = 2, 2, 2, 2
IS_FIRST, IS_LATE, IS_DEMO, ODD_LETTERS, BY_LINK = 1, 1, 1, 1, 1
USED_ELSEWHERE_LATER = 0  # shown, but no reason to delay the earlier of the two
# (times the amount due, weight) of overpayments; other differences weigh AMOUNT_DIFFERS.
OVERPAYMENT_WEIGHTS = ((5, 5), (2, 3))

# A written-off invoice still takes money.
TAKES_NOTHING: dict[str, str] = {Invoice.Status.PAID: "paid already", Invoice.Status.VOID: "void"}

LEVELS = ((5, "Careful"), (3, "Look twice"), (0, "Routine"))


@dataclass(frozen=True)
class RiskFlag:
    words: str
    weight: int


@dataclass
class QueueRow:
    id: UUID
    account_id: UUID
    account: str
    country: str
    invoice: str
    currency: str
    amount: Decimal
    due: Decimal
    method: str
    lag: int
    is_demo: bool
    reference: str
    payer: str
    created_at: datetime
    submitted_by: UUID
    version: int
    flags: list[RiskFlag] = field(default_factory=list)
    bank: Any = None  # what the statements say; looked up for the rows of a page alone

    @property
    def risk(self) -> int:
        return sum(flag.weight for flag in self.flags)

    @property
    def level(self) -> str:
        return next(words for least, words in LEVELS if self.risk >= least)


def queue(filters: Q | None = None, *, also: UUID | None = None) -> list[QueueRow]:
    """In two queries. also: a claim that is included in any case."""
    waiting = Payment.objects.awaiting_review()
    wanted = waiting.filter(filters) if filters else waiting
    chosen = Q(pk__in=ranked(wanted).values("pk"))
    rows = list(_with_facts(waiting.filter(chosen | Q(pk=also) if also else chosen)))
    usual = _medians({row.currency for row in rows})
    claims = [_queue_row(row, usual) for row in rows]
    return sorted(claims, key=lambda claim: (-claim.risk, claim.created_at, claim.id))


def ranked(waiting: PaymentQuerySet) -> PaymentQuerySet:
    """The first claim of each account, then the second of each: a flood from one account does not displace others."""
    return waiting.order_by("waiting_before", "pk")[:MAX_RANKED]


def count_waiting() -> int:
    """Counted up to MAX_RANKED + 1, so that polling is cheap."""
    return Payment.objects.awaiting_review().order_by()[: MAX_RANKED + 1].count()


def same_reference(payment: Payment) -> PaymentQuerySet:
    if not payment.reference_key:
        return Payment.objects.none()
    return Payment.objects.filter(reference_key=payment.reference_key).exclude(pk=payment.pk)


def _with_facts(payments: PaymentQuerySet) -> PaymentQuerySet:
    same = Payment.objects.filter(reference_key=OuterRef("reference_key")).exclude(reference_key="")
    own_before = claims_before().filter(account=OuterRef("account"))
    kept = Payment.objects.filter(account=OuterRef("account"), status=Payment.Status.SUCCEEDED)
    beside = Payment.objects.filter(invoice=OuterRef("invoice")).exclude(pk=OuterRef("pk"))
    return (
        payments.with_earlier_use()
        .select_related("account", "invoice", "method", "claimed_by_link")
        .annotate(
            is_used_elsewhere_later=Exists(same.filter(pk__gt=OuterRef("pk")).exclude(account=OuterRef("account"))),
            is_again=Exists(own_before.filter(status=Payment.Status.FAILED)),
            was_used=Exists(own_before.exclude(status=Payment.Status.FAILED)),
            is_first=~Exists(kept),
            has_undecided=Exists(beside.filter(status=Payment.Status.PENDING_APPROVAL)),
            has_approved=Exists(beside.filter(status=Payment.Status.APPROVED)),
            now=Now(),
        )
    )


# percentile_disc returns an amount that was really paid.
_MEDIANS = f"""
    SELECT wanted.currency, percentile_disc(0.5) WITHIN GROUP (ORDER BY lately.received)
    FROM unnest(%s::text[]) AS wanted(currency), LATERAL (
        SELECT received FROM core_payment WHERE status = 'succeeded' AND currency = wanted.currency
        ORDER BY id DESC LIMIT {MEDIAN_SAMPLE}
    ) AS lately
    GROUP BY wanted.currency HAVING count(*) >= {MIN_MEDIAN_SAMPLE}"""  # noqa: S608 - numbers of ours


def _medians(currencies: Iterable[str]) -> dict[str, Decimal]:
    # Of succeeded payments only: claims could be made to move it.
    return dict(ask(_MEDIANS, [sorted(currencies)]).fetchall())


def _queue_row(row: Any, usual: dict[str, Decimal]) -> QueueRow:
    return QueueRow(
        id=row.pk,
        account_id=row.account_id,
        account=row.account.name,
        country=row.account.country,
        invoice=str(row.invoice) if row.invoice else row.what_for,
        currency=row.currency,
        amount=row.amount,
        due=row.invoice.outstanding if row.invoice else Decimal(0),
        method=row.method.name,
        lag=row.method.bank_lag_days,
        is_demo=row.method.is_demo,
        reference=row.reference,
        payer=row.payer_name,
        created_at=row.created_at,
        submitted_by=row.submitted_by_id,
        version=row.version,
        flags=sorted(_flags(row, usual), key=lambda flag: -flag.weight),
    )


def _flags(row: Any, usual: dict[str, Decimal]) -> Iterator[RiskFlag]:
    invoice, method = row.invoice, row.method
    yield from _reference_flags(row)
    if row.claimed_by_link is not None:
        yield RiskFlag(f"By link, for {row.claimed_by_link.recipient or 'somebody who is not named'}", BY_LINK)
    if row.has_undecided:
        yield RiskFlag("Another claim of this invoice is undecided", SECOND_CLAIM)
    if row.has_approved:
        yield RiskFlag("Another claim of this invoice was approved just now", SECOND_CLAIM)
    if invoice is None:
        yield RiskFlag("It pays no invoice: all of it goes to the balance", ALL_TO_BALANCE)
    elif row.currency != invoice.currency:
        yield RiskFlag(f"The invoice is in {invoice.currency}", WRONG_CURRENCY)
    elif invoice.status in TAKES_NOTHING:
        yield RiskFlag(
            f"This invoice is {TAKES_NOTHING[invoice.status]}: all of it goes to the balance", ALL_TO_BALANCE
        )
    elif row.amount != invoice.outstanding:
        yield _difference(row.amount, invoice)
    if row.currency in usual and row.amount >= HIGH_AMOUNT_FACTOR * usual[row.currency]:
        yield RiskFlag("Far more than what is usually approved", IS_HIGH)
    if row.is_first and row.now - row.account.created_at < NEW_ACCOUNT_AGE:
        yield RiskFlag("First payment of a new account", IS_FIRST)
    if row.now - row.created_at > timedelta(days=max(method.bank_lag_days, 1)):
        yield RiskFlag("Waits longer than the bank takes", IS_LATE)
    if changed_lately(method, row.now):
        yield RiskFlag(f"Payee changed on {method.payee_since:%-d %b %Y}", PAYEE_CHANGED)
    if method.is_demo:
        yield RiskFlag("Demo method", IS_DEMO)


def _reference_flags(row: Any) -> Iterator[RiskFlag]:
    if row.was_used_elsewhere:
        yield RiskFlag("Another account used this reference before", USED_ELSEWHERE)
    if row.is_used_elsewhere_later:
        yield RiskFlag("Another account used this reference later", USED_ELSEWHERE_LATER)
    if row.is_again:
        yield RiskFlag("This reference was rejected before", REJECTED_BEFORE)
    if row.was_used:
        yield RiskFlag("This account claimed this reference before", CLAIMED_BEFORE)
    if row.reference and row.has_unusual_reference:
        yield RiskFlag("An unusual reference for this method", UNUSUAL_REFERENCE)
    if not PLAIN_REFERENCE.fullmatch(row.reference):
        yield RiskFlag("The reference has more than plain letters and digits", ODD_LETTERS)


def _difference(amount: Decimal, invoice: Invoice) -> RiskFlag:
    more = amount - invoice.outstanding
    weight = next(
        (weight for times, weight in OVERPAYMENT_WEIGHTS if amount >= times * invoice.outstanding), AMOUNT_DIFFERS
    )
    shown = Decimal(money_text(abs(more), invoice.currency))
    return RiskFlag(f"{shown:,f} {'more' if more > 0 else 'less'} than is due", weight)
