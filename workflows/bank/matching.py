"""Which payments a line may stand for: reasons for and against, and the rule that decides. Nothing is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q

from core.models import BankAccount, Invoice, PayerIdentity, Payment
from core.money import money_text
from engine.pipeline import ask
from workflows.bank.clues import Clues, find_clues
from workflows.documents.numbers import invoice_templates

CANDIDATES_MOST = 5
TOGETHER_MOST = 20  # invoices that one line pays
CLAIM_EARLIER_DAYS = 1  # a line may be booked before the day that the customer named
CLAIM_LATER_DAYS = 5  # beyond what its method's bank takes

# Reasons, in the words that staff read.
REFERENCE = "reference with check character"
NUMBER = "invoice number"
CLAIM = "reference of the claim"
AMOUNT = "amount"
WITHIN_TOLERANCE = "amount, but for what a bank kept"
PAYER = "payer known"
TOGETHER = "together exactly the line"
ORDER = (REFERENCE, NUMBER, CLAIM, AMOUNT, TOGETHER, WITHIN_TOLERANCE, PAYER)

Payers = Mapping[tuple[str, str], set[UUID]]  # accounts, by kind of PayerIdentity and value

AUTO, SUGGEST = "auto", "suggest"
CLASSES = (AUTO, SUGGEST)


@dataclass(frozen=True)
class Rule:
    """Matches by itself, where it may, when all of `needs` hold and nothing speaks against it."""

    name: str
    needs: frozenset[str]


# The first that holds is named. An amount alone proves little: subscriptions have few prices.
RULES = (
    Rule("reference and amount", frozenset({REFERENCE, AMOUNT})),
    Rule("reference and amount within tolerance", frozenset({REFERENCE, WITHIN_TOLERANCE})),
    Rule("claim and amount", frozenset({CLAIM, AMOUNT})),
    Rule("number, amount and payer", frozenset({NUMBER, AMOUNT, PAYER})),
    Rule("several references and their sum", frozenset({REFERENCE, TOGETHER})),  # of all that are named, or of none
)


@dataclass
class Candidate:
    """An invoice, with the claim of it that awaits a decision if there is one."""

    invoice: Invoice
    claim: Payment | None
    reasons: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    difference: str = ""  # the one of `against` that is about the amount
    rule: str = ""  # that matches it by itself; empty: a person decides

    @property
    def account_id(self) -> UUID:
        return self.invoice.account_id

    @property
    def amount(self) -> Decimal:
        """What is expected."""
        return self.claim.amount if self.claim else self.invoice.outstanding

    @property
    def kind(self) -> str:
        return AUTO if self.rule else SUGGEST

    @property
    def currency(self) -> str:
        return self.claim.currency if self.claim else self.invoice.currency

    @property
    def is_together(self) -> bool:
        """With the other ones of which this is true it is what the line is about."""
        return TOGETHER in self.reasons


class LineFacts(Protocol):
    """A line as its reader gives it, or as it is stored."""

    @property
    def booked_on(self) -> date: ...
    @property
    def value_on(self) -> date | None: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def text(self) -> str: ...
    @property
    def payer_name(self) -> str: ...
    @property
    def payer_account(self) -> str: ...
    @property
    def references(self) -> Sequence[str]: ...
    @property
    def bank_id(self) -> str: ...
    @property
    def is_return(self) -> bool: ...
    @property
    def details(self) -> Sequence[Any]: ...


class CandidateFinder:
    """Finds candidates for the lines of one account, with the claims that await a decision at its beginning."""

    def __init__(self, account: BankAccount) -> None:
        self._account = account
        self._by_id: dict[str, list[Payment]] = defaultdict(list)
        waiting = Payment.objects.filter(status=Payment.Status.PENDING_APPROVAL).exclude(reference_key="")
        for claim in waiting.select_related("method"):
            self._by_id[claim.reference_key].append(claim)

    def find(self, lines: Sequence[LineFacts]) -> list[list[Candidate]]:
        """For each line the best candidates first; none for money that went out or came back.

        A constant number of queries. lines: at most some thousands.
        """
        clues = _clues_of_money_in(lines)
        ids = {word for clue in clues for word in clue.ids if word in self._by_id}
        claimed = {word: self._by_id[word] for word in ids}
        found = _Found.look_up(clues, claimed, {line.amount for line in lines}, self._account.currency)
        rules = [rule for rule in RULES if rule.name not in self._account.rules_by_hand]
        return [found.candidates(line, clue, rules) for line, clue in zip(lines, clues, strict=True)]

    def have_any(self, lines: Sequence[LineFacts]) -> list[bool]:
        """Whether `find` finds any for each line. Reads keys and no rows: an import asks it of every line."""
        clues = _clues_of_money_in(lines)
        references = _known("payment_reference", set().union(*(clue.references for clue in clues)))
        numbers = _known("number", set().union(*(clue.numbers for clue in clues)))
        payers = _payers(clues)
        outstanding = _open_amounts(payers, self._account.currency)
        return [
            not references.isdisjoint(clue.references)
            or not numbers.isdisjoint(clue.numbers)
            or any(
                claim.invoice_id is not None and _is_near(claim, line)
                for word in clue.ids
                for claim in self._by_id.get(word, ())
            )
            or any((account, line.amount) in outstanding for account in _accounts_of_payer(payers, clue))
            for line, clue in zip(lines, clues, strict=True)
        ]


def _clues_of_money_in(lines: Sequence[LineFacts]) -> list[Clues]:
    return [clues_of(line) if line.amount > 0 and not line.is_return else Clues() for line in lines]


def clues_of(line: LineFacts) -> Clues:
    """Of the line, and of the transactions that it was booked for."""
    details = [_words_of(detail) for detail in line.details]
    return find_clues(
        "\n".join([line.text, *(text for text, _ in details)]),
        references=[*line.references, *(reference for _, references in details for reference in references)],
        bank_id=line.bank_id,
        payer_account=line.payer_account,
        payer_name=line.payer_name,
        templates=invoice_templates(),
    )


def _words_of(detail: Any) -> tuple[str, Sequence[str]]:
    """Text and references; a stored line has its details as JSON."""
    if isinstance(detail, Mapping):
        return detail["text"], detail["references"]
    return detail.text, detail.references


@dataclass
class _Found:
    """What the clues of many lines lead to."""

    invoices: dict[UUID, Invoice]
    by_reference: dict[str, Invoice]
    by_number: dict[str, Invoice]
    by_id: dict[str, list[Payment]]  # claims, by their reference
    claims: dict[UUID, list[Payment]]  # by invoice
    approved: set[UUID]  # invoices of which a payment is about to be settled
    currency: str
    payers: Payers
    open_of: dict[UUID, list[Invoice]]  # open invoices of accounts that payers are known for

    @classmethod
    def look_up(
        cls, clues: Sequence[Clues], claimed: dict[str, list[Payment]], amounts: set[Decimal], currency: str
    ) -> _Found:
        payers = _payers(clues)
        known = {account for accounts in payers.values() for account in accounts}
        named = Invoice.objects.filter(
            Q(payment_reference__in=set().union(*(clue.references for clue in clues)))
            | Q(number__in=set().union(*(clue.numbers for clue in clues)))
            | Q(pk__in={claim.invoice_id for claims in claimed.values() for claim in claims})
        ).exclude(status=Invoice.Status.DRAFT)
        invoices = {invoice.pk: invoice for invoice in named.select_related("payment_method", "account")}
        of_payers = Invoice.objects.filter(account__in=known, status__in=Invoice.OPEN, currency=currency)
        open_of: dict[UUID, list[Invoice]] = defaultdict(list)
        for invoice in of_payers.select_related("payment_method", "account").order_by("due_on", "id") if known else ():
            if invoice.outstanding in amounts:
                invoices.setdefault(invoice.pk, invoice)
                open_of[invoice.account_id].append(invoices[invoice.pk])
        claims: dict[UUID, list[Payment]] = defaultdict(list)
        approved: set[UUID] = set()
        in_review = Payment.objects.in_review().filter(invoice__in=invoices)
        for claim in in_review.select_related("method").order_by("id") if invoices else ():
            own = claim.invoice_id
            if own is not None and claim.status == Payment.Status.APPROVED:
                approved.add(own)
            elif own is not None:
                claims[own].append(claim)
        return cls(
            invoices=invoices,
            by_reference={invoice.payment_reference: invoice for invoice in invoices.values()},
            by_number={invoice.number: invoice for invoice in invoices.values() if invoice.number},
            by_id=claimed,
            claims=claims,
            approved=approved,
            currency=currency,
            payers=payers,
            open_of=open_of,
        )

    def candidates(self, line: LineFacts, clues: Clues, rules: Sequence[Rule]) -> list[Candidate]:
        accounts = _accounts_of_payer(self.payers, clues)
        reasons: dict[tuple[UUID, UUID | None], set[str]] = defaultdict(set)
        for reference in clues.references & self.by_reference.keys():
            reasons[self._of(self.by_reference[reference], line)].add(REFERENCE)
        for number in clues.numbers & self.by_number.keys():
            reasons[self._of(self.by_number[number], line)].add(NUMBER)
        for word in clues.ids & self.by_id.keys():
            for claim in self.by_id[word]:
                if claim.invoice_id is not None and _is_near(claim, line):
                    reasons[claim.invoice_id, claim.pk].add(CLAIM)
        if not reasons:
            for account_id in accounts:
                for invoice in self.open_of.get(account_id, ()):
                    if invoice.outstanding == line.amount:
                        reasons[self._of(invoice, line)].add(PAYER)
        found = [self._candidate(line, key, words, accounts) for key, words in reasons.items()]
        _judge(found, line.amount, self.currency, rules)
        together = sum(each.is_together for each in found)
        return sorted(found, key=_rank)[: max(CANDIDATES_MOST, together)]

    def _of(self, invoice: Invoice, line: LineFacts) -> tuple[UUID, UUID | None]:
        """The invoice with the claim that fits the line best, if it has been claimed."""
        claims = self.claims.get(invoice.pk, [])
        best = min(claims, key=lambda claim: (claim.amount != line.amount, claim.pk), default=None)
        return invoice.pk, best.pk if best else None

    def _candidate(
        self, line: LineFacts, key: tuple[UUID, UUID | None], words: set[str], accounts: set[UUID]
    ) -> Candidate:
        invoice = self.invoices[key[0]]
        claim = next((claim for claim in self.claims.get(invoice.pk, []) if claim.pk == key[1]), None)
        candidate = Candidate(invoice, claim)
        if candidate.currency != self.currency:
            candidate.against.append(f"it is in {candidate.currency}")
        elif line.amount == candidate.amount:
            words.add(AMOUNT)
        elif invoice.status in Invoice.OPEN:
            _compare(candidate, line.amount, self.currency, words)
        if invoice.status not in Invoice.OPEN:
            candidate.against.append(f"the invoice is {invoice.status}: the money goes to the balance")
        if len(line.details) > 1:
            candidate.against.append(f"the line is a batch of {len(line.details)} transactions")
        if invoice.pk in self.approved:
            candidate.against.append("another payment of it was approved")
        if invoice.account_id in accounts:
            words.add(PAYER)
        elif accounts:
            candidate.against.append("the payer is known for another account")
        candidate.reasons = [word for word in ORDER if word in words]
        return candidate


def _judge(found: list[Candidate], amount: Decimal, currency: str, rules: Sequence[Rule]) -> None:
    """Name the rule of a candidate without anything against it: alone, or with others the whole line."""
    named = [each for each in found if REFERENCE in each.reasons or CLAIM in each.reasons or NUMBER in each.reasons]
    is_whole = _is_whole(named, amount, currency)
    if is_whole:
        for each in named:
            _join(each)
    elif len({each.invoice.pk for each in named}) > 1:
        for each in named:
            each.against.append(f"{len(named)} invoices are named")
    for each in found:
        if not each.against:
            each.rule = next((rule.name for rule in rules if rule.needs <= set(each.reasons)), "")
    if is_whole and not all(each.rule for each in named):
        for each in named:
            each.rule = ""


def _is_whole(named: list[Candidate], amount: Decimal, currency: str) -> bool:
    """Whether the line pays several open invoices to the cent."""
    if not 1 < len({each.invoice.pk for each in named}) == len(named) <= TOGETHER_MOST:
        return False
    are_open = all(each.currency == currency and each.invoice.status in Invoice.OPEN for each in named)
    return are_open and sum(each.amount for each in named) == amount


def _join(candidate: Candidate) -> None:
    candidate.against = [words for words in candidate.against if words != candidate.difference]
    candidate.reasons = [word for word in ORDER if word in {*candidate.reasons, TOGETHER}]


def _rank(candidate: Candidate) -> tuple[bool, int, int, str]:
    first = min(ORDER.index(reason) for reason in candidate.reasons)
    return not candidate.rule, first, len(candidate.against), str(candidate.invoice.pk)


def _compare(candidate: Candidate, amount: Decimal, currency: str, words: set[str]) -> None:
    missing = candidate.amount - amount
    if 0 <= missing <= _tolerance(candidate):
        words.add(WITHIN_TOLERANCE)
        return
    candidate.difference = f"{money_text(abs(missing), currency)} {'less' if missing > 0 else 'more'}"
    candidate.against.append(candidate.difference)


def _tolerance(candidate: Candidate) -> Decimal:
    method = candidate.claim.method if candidate.claim else candidate.invoice.payment_method
    return method.tolerance(candidate.invoice.demanded) if method else Decimal(0)


def is_in_time(day: date, *, paid_on: date | None, lag_days: int) -> bool:
    """Whether money of this day can be that of a claim."""
    if paid_on is None:
        return True
    return paid_on - timedelta(days=CLAIM_EARLIER_DAYS) <= day <= paid_on + timedelta(days=lag_days + CLAIM_LATER_DAYS)


def _is_near(claim: Payment, line: LineFacts) -> bool:
    day = line.value_on or line.booked_on
    return is_in_time(day, paid_on=claim.paid_on, lag_days=claim.method.bank_lag_days)


def _accounts_of_payer(payers: Payers, clues: Clues) -> set[UUID]:
    """By the account that paid; by its name alone only where there is no number."""
    if clues.payer_account:
        return payers.get((PayerIdentity.Kind.ACCOUNT, clues.payer_account), set())
    return payers.get((PayerIdentity.Kind.NAME, clues.payer_name), set())


# Texts as arrays and not as IN (...) of thousands of values, each of which Django adapts by itself.
PAYERS = """
    SELECT kind, value, account_id FROM core_payeridentity
    WHERE kind = 'account' AND value = ANY(%s::text[]) OR kind = 'name' AND value = ANY(%s::text[])"""
KNOWN = """
    SELECT {column} FROM core_invoice WHERE {column} = ANY(%s::text[]) AND status <> 'draft'"""
OPEN_AMOUNTS = """
    SELECT account_id, total - credited - allocated - written_off FROM core_invoice
    WHERE account_id = ANY(%s::uuid[]) AND currency = %s AND status = ANY(%s::text[])"""


def _payers(clues: Iterable[Clues]) -> Payers:
    numbers = {clue.payer_account for clue in clues} - {""}
    names = {clue.payer_name for clue in clues if not clue.payer_account} - {""}
    found: dict[tuple[str, str], set[UUID]] = defaultdict(set)
    if not numbers and not names:
        return found
    for kind, value, account_id in ask(PAYERS, [list(numbers), list(names)], prepare=False).fetchall():
        found[kind, value].add(account_id)
    return found


def _known(column: str, words: set[str]) -> set[str]:
    """Those that an issued invoice has there."""
    if not words:
        return set()
    return {row[0] for row in ask(KNOWN.format(column=column), [list(words)], prepare=False).fetchall()}


def _open_amounts(payers: Payers, currency: str) -> set[tuple[UUID, Decimal]]:
    """What invoices of these payers' accounts still want, each with its account."""
    accounts = set().union(*payers.values())
    if not accounts:
        return set()
    params = [list(accounts), currency, list(Invoice.OPEN)]
    return set(ask(OPEN_AMOUNTS, params, prepare=False).fetchall())
