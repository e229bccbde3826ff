"""What the bank's statements say of a claim: its money is there, is not there, or cannot be known yet."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import FilteredRelation, Q

from core.models import BankAccount, LinePayment, PayerIdentity, Payment, StatementLine
from core.payees.references import LOOK_ALIKES
from engine.pipeline import ask
from workflows.bank.clues import CLAIM_MIN_LENGTH, Clues
from workflows.bank.coverage import Period, covered_until, working_day_after
from workflows.bank.matching import CLAIM_EARLIER_DAYS, CLAIM_LATER_DAYS, clues_of, is_in_time

ON_STATEMENT, NOT_ON_STATEMENT, NO_STATEMENT_YET = "on_statement", "not_on_statement", "no_statement_yet"
STATES = (ON_STATEMENT, NOT_ON_STATEMENT, NO_STATEMENT_YET)
UNDECIDED_MOST = 1000  # newest lines of each account that are looked through, so that a page's cost has a limit
NAMED_EARLIER_DAYS = 45  # a line that names the claim counts so long before the day that the customer gave
LINES_MOST = 50  # of them that are weighed for one payment
MAY_BE_SUGGESTED = (Payment.Status.PENDING_APPROVAL, Payment.Status.APPROVED, Payment.Status.SUCCEEDED)


@dataclass(frozen=True)
class Evidence:
    state: str
    line_id: UUID | None = None  # that stands for it, or is suggested
    day: date | None = None  # of that line, or up to which the statements reach
    is_decided: bool = False  # a match, not a suggestion
    similar_id: UUID | None = None  # an undecided line that may be its money
    similar_on: date | None = None

    @property
    def link(self) -> UUID | None:
        return self.line_id or self.similar_id

    @property
    def words(self) -> str:
        if self.state == ON_STATEMENT:
            return f"on the statement of {_spoken(self.day)}"
        if self.state == NOT_ON_STATEMENT:
            return f"not on the statement, which reaches to {_spoken(self.day)}"
        if self.similar_on is not None:
            return f"a line of {_spoken(self.similar_on)} may be it, and is undecided"
        return "no statement yet reaches its day"


NOTHING_YET = Evidence(NO_STATEMENT_YET)
FACTS = 15  # columns of `_Facts`


class _Line(NamedTuple):
    """As `matching.LineFacts`, and whether no other claim of the invoice fits it better."""

    id: UUID
    status: str
    booked_on: date
    value_on: date | None
    amount: Decimal
    text: str
    payer_name: str
    payer_account: str
    references: Sequence[str]
    bank_id: str
    details: Sequence[Any]
    is_best: bool
    is_return: bool = False


class _Facts(NamedTuple):
    id: UUID
    status: str
    method_id: UUID
    country: str
    lag_days: int
    currency: str
    amount: Decimal
    number: str | None
    payment_reference: str | None
    reference_key: str
    paid_on: date | None
    claimed_on: date
    own_references: Sequence[str]  # of all invoices of its account
    payers: Sequence[str]  # who paid for its account before, see `_payer_keys`
    is_cut: bool  # not all undecided lines of its days were looked through


@dataclass
class _Asked:
    facts: _Facts
    lines: list[_Line] = field(default_factory=list)

    @property
    def first_day(self) -> date:
        """Without a day of the customer's the money may have come before the claim."""
        facts = self.facts
        return facts.paid_on or facts.claimed_on - timedelta(days=facts.lag_days)

    @property
    def due_on(self) -> date:
        """By when the money is there."""
        facts = self.facts
        return working_day_after(facts.paid_on or facts.claimed_on, facts.lag_days, country=facts.country)

    @property
    def is_cut(self) -> bool:
        return self.facts.is_cut or len(self.lines) >= LINES_MOST


def decided_evidence(payments: Collection[UUID]) -> dict[UUID, Evidence]:
    """Of those that a line stands for. One query."""
    parts = LinePayment.objects.live().filter(payment__in=payments, line__amount__gt=0).order_by("-id")
    rows = parts.values_list("payment_id", "line_id", "line__booked_on") if payments else ()
    return {payment: Evidence(ON_STATEMENT, line, day, is_decided=True) for payment, line, day in rows}


def bank_evidence(payments: Collection[UUID]) -> dict[UUID, Evidence]:
    """Of each of them. At most two queries, however many there are."""
    found: dict[UUID, Evidence] = {}
    missing: dict[UUID, _Asked] = {}
    for row in ask(_LINES, _params(payments), prepare=False).fetchall() if payments else ():
        facts, stands, line = _Facts(*row[:FACTS]), row[FACTS], row[FACTS + 1 :]
        if stands:
            found[facts.id] = Evidence(ON_STATEMENT, line[0], line[2], is_decided=True)
            continue
        asked = missing.setdefault(facts.id, _Asked(facts))
        if line[0] is not None:
            asked.lines.append(_line(line))
    for key, asked in missing.items():
        suggested = next((each for each in asked.lines if _suggests(each, asked.facts)), None)
        if suggested is not None:
            found.setdefault(key, Evidence(ON_STATEMENT, suggested.id, suggested.booked_on))
    rest = [asked for key, asked in missing.items() if key not in found]
    periods = _Periods.of(rest) if rest else None
    for asked in rest:
        found[asked.facts.id] = _absence(asked, periods) if periods else NOTHING_YET
    return found


def _line(row: Sequence[Any]) -> _Line:
    line = _Line(*row)
    return line._replace(details=json.loads(line.details)) if isinstance(line.details, str) else line


def _absence(asked: _Asked, periods: _Periods) -> Evidence:
    similar = next((line for line in asked.lines if _may_be(line, asked.facts)), None)
    if similar is not None:
        return Evidence(NO_STATEMENT_YET, similar_id=similar.id, similar_on=similar.booked_on)
    reach = None if asked.is_cut else periods.reach(asked)
    if reach is None or reach < asked.due_on:
        return NOTHING_YET
    return Evidence(NOT_ON_STATEMENT, day=reach)


def _suggests(line: _Line, facts: _Facts) -> bool:
    """As `CandidateFinder`, from the side of the claim."""
    if facts.status not in MAY_BE_SUGGESTED:
        return False
    clues = clues_of(line)
    day = line.value_on or line.booked_on
    if _is_claimed(clues, facts) and is_in_time(day, paid_on=facts.paid_on, lag_days=facts.lag_days):
        return True
    if _is_named(clues, facts):
        return line.is_best
    names_another = clues.references or clues.numbers
    return line.is_best and line.amount == facts.amount and not names_another and _is_of_payer(clues, facts)


def _may_be(line: _Line, facts: _Facts) -> bool:
    """Whether it would be rash to say that the money is not there.

    An amount alone proves nothing, and is a reason to look. A customer may also use an old reference again.
    """
    clues = clues_of(line)
    if _is_claimed(clues, facts) or _is_named(clues, facts):
        return True
    is_unexplained = line.status == StatementLine.Status.OPEN
    is_own = _is_of_payer(clues, facts) or bool(clues.references & set(facts.own_references))
    return line.amount == facts.amount and (is_unexplained or is_own)


def _is_claimed(clues: Clues, facts: _Facts) -> bool:
    return bool(facts.reference_key) and facts.reference_key in clues.ids


def _is_named(clues: Clues, facts: _Facts) -> bool:
    return facts.payment_reference in clues.references or facts.number in clues.numbers


def _is_of_payer(clues: Clues, facts: _Facts) -> bool:
    """By the account that paid; by its name alone only where there is no number."""
    kind, value = PayerIdentity.Kind.NAME, clues.payer_name
    if clues.payer_account:
        kind, value = PayerIdentity.Kind.ACCOUNT, clues.payer_account
    return bool(value) and f"{kind.value}:{value}" in facts.payers


@dataclass
class _Periods:
    """Of the accounts in which the money of some methods arrives."""

    by_account: dict[UUID, set[Period]]
    accounts: dict[UUID, dict[UUID, str]]  # by method; each with its currency

    @classmethod
    def of(cls, asked: Collection[_Asked]) -> _Periods:
        """One query."""
        found = cls(defaultdict(set), defaultdict(dict))
        accounts = BankAccount.objects.filter(payment_methods__in={each.facts.method_id for each in asked})
        since = min(each.first_day for each in asked)
        reaching = FilteredRelation("statements", condition=Q(statements__period_end__gte=since))
        columns = ("period_start", "period_end", "opening", "closing", "created_at", "adds_up", "file__format")
        rows = accounts.annotate(reaching=reaching).values_list(
            "pk", "currency", "payment_methods", *(f"reaching__{name}" for name in columns)
        )
        for account, currency, method, *statement in rows:
            found.accounts[method][account] = currency
            if (period := _period(*statement)) is not None:
                found.by_account[account].add(period)
        return found

    def reach(self, asked: _Asked) -> date | None:
        """Up to which day all of its accounts are known, without a hole; None where one is not."""
        own = self.accounts[asked.facts.method_id]
        same = [account for account, currency in own.items() if currency == asked.facts.currency]
        ends = [covered_until(self.by_account[account], asked.first_day) for account in same or own]
        return min((end for end in ends if end is not None), default=None) if None not in ends else None


def _period(
    first: date | None,
    last: date | None,
    opening: Decimal | None,
    closing: Decimal | None,
    created_at: datetime,
    adds_up: bool | None,
    read_as: str,
) -> Period | None:
    if first is None or last is None or adds_up is False:  # its lines may not be all
        return None
    return Period.reliable(
        first, last, opening=opening, closing=closing, imported_on=created_at.date(), read_as=read_as
    )


def _spoken(day: date | None) -> str:
    return f"{day:%-d %B}" if day else ""


def _params(payments: Collection[UUID]) -> Mapping[str, Any]:
    return {
        "payments": list(payments),
        "earlier": CLAIM_EARLIER_DAYS,
        "later": CLAIM_LATER_DAYS,
        "named_earlier": NAMED_EARLIER_DAYS,
        "undecided": UNDECIDED_MOST,
        "lines": LINES_MOST,
        "alike": "".join(map(chr, LOOK_ALIKES.keys())),
        "folded": "".join(map(chr, LOOK_ALIKES.values())),
    }


# A text in which a reference is found however it was broken up: more than `find_clues` finds, which decides.
_FOLD = (
    "translate(upper(regexp_replace(normalize({}, NFKC), '[^[:alnum:]]', '', 'g')), %(alike)s::text, %(folded)s::text)"
)
_WORDS = "concat_ws(' ', line.text, line.references::text, line.bank_id, line.details::text)"

_LINES = f"""
    WITH asked AS MATERIALIZED (
        SELECT payment.id, payment.status, payment.method_id, method.country, method.bank_lag_days, payment.currency,
            payment.amount, invoice.number, invoice.payment_reference, payment.reference_key, payment.paid_on,
            (payment.created_at AT TIME ZONE 'UTC')::date AS claimed_on, payment.account_id, payment.invoice_id,
            CASE WHEN length(payment.reference_key) >= {CLAIM_MIN_LENGTH} THEN {_FOLD.format("payment.reference_key")}
            END AS claim_words,
            {_FOLD.format("substring(invoice.number FROM '^(.*[^0-9])[0-9]+$')")} || '0*'
                || ltrim(substring(invoice.number FROM '([0-9]+)$'), '0') AS number_words,
            coalesce(payment.paid_on, (payment.created_at AT TIME ZONE 'UTC')::date - method.bank_lag_days::int)
                - %(earlier)s::int - %(later)s::int AS since,
            coalesce(payment.paid_on, (payment.created_at AT TIME ZONE 'UTC')::date)
                + (method.bank_lag_days::int * 7 + 4) / 5 + %(later)s::int AS until  -- lag: working days
        FROM core_payment AS payment
        JOIN core_paymentmethod AS method ON method.id = payment.method_id
        LEFT JOIN core_invoice AS invoice ON invoice.id = payment.invoice_id
        WHERE payment.id = ANY(%(payments)s::uuid[])
    ), near AS MATERIALIZED (
        SELECT line.*, {_FOLD.format(_WORDS)} AS words,
            row_number() OVER (PARTITION BY line.bank_account_id ORDER BY line.booked_on DESC, line.id DESC) AS place
        FROM core_bankaccount AS account CROSS JOIN LATERAL (
            SELECT * FROM core_statementline
            WHERE bank_account_id = account.id AND status IN ('open', 'suggested') AND amount > 0 AND NOT is_return
                AND booked_on >= (SELECT min(since) FROM asked) - %(named_earlier)s::int
            ORDER BY booked_on DESC, id DESC LIMIT %(undecided)s::int
        ) AS line
    )
    SELECT asked.id, asked.status, asked.method_id, asked.country, asked.bank_lag_days, asked.currency, asked.amount,
        asked.number, asked.payment_reference, asked.reference_key, asked.paid_on, asked.claimed_on,
        ARRAY(SELECT payment_reference FROM core_invoice WHERE account_id = asked.account_id),
        ARRAY(SELECT kind || ':' || value FROM core_payeridentity WHERE account_id = asked.account_id),
        EXISTS (
            SELECT FROM near
            WHERE place = %(undecided)s::int AND booked_on >= asked.since - %(named_earlier)s::int),
        found.*
    FROM asked LEFT JOIN LATERAL (
        (SELECT true AS stands, line.id, line.status, line.booked_on, line.value_on, line.amount, line.text,
            line.payer_name, line.payer_account, line.references, line.bank_id, line.details, true AS is_best
        FROM core_linepayment AS part JOIN core_statementline AS line ON line.id = part.line_id
        WHERE part.payment_id = asked.id AND part.takes_back_id IS NULL AND line.amount > 0
            AND NOT EXISTS (SELECT FROM core_linepayment AS back WHERE back.takes_back_id = part.id)
        ORDER BY part.id LIMIT 1)
        UNION ALL
        (SELECT false, near.id, near.status, near.booked_on, near.value_on, near.amount, near.text,
            near.payer_name, near.payer_account, near.references, near.bank_id, near.details,
            NOT EXISTS (
                SELECT FROM core_payment AS other
                WHERE other.invoice_id = asked.invoice_id AND other.id <> asked.id AND other.status = 'pending_approval'
                    AND (other.amount <> near.amount, other.id) < (asked.amount <> near.amount, asked.id))
        FROM near CROSS JOIN LATERAL (
            SELECT position(asked.payment_reference IN near.words) > 0 OR position(asked.claim_words IN near.words) > 0
                OR near.words ~ asked.number_words AS is_named
        ) AS named
        WHERE near.booked_on >= asked.since - %(named_earlier)s::int
            AND (named.is_named
                OR near.amount = asked.amount AND near.booked_on BETWEEN asked.since AND asked.until)
        ORDER BY coalesce(named.is_named, false) DESC, near.status, near.booked_on, near.id LIMIT %(lines)s::int)
    ) AS found ON true"""  # noqa: S608 - words of ours
