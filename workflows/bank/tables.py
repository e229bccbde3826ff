"""A table that no profile knows: what it seems to be, and what has to be said before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO

from core.models import BankAccount
from core.problems import ValidationError
from workflows.bank.accounts import resolve_account, unresolved_words
from workflows.bank.arithmetic import Arithmetic, Break
from workflows.bank.readers import delimited
from workflows.bank.readers.delimited.guess import Guess, guess_profile
from workflows.bank.readers.delimited.guess_columns import Question
from workflows.bank.readers.delimited.profile import Profile, ProfileError
from workflows.bank.readers.statement import AccountIdentifier, Line, UnreadableStatementError
from workflows.bank.reading import NO_PROFILE

TABLE_MAX_BYTES = 256 * 1024  # all rows are looked at several times while somebody waits: two seconds
PREVIEW_LINES = 10
Answers = Mapping[str, str]


class UnknownTable(ValidationError):  # noqa: N818 - a Problem, as all of these
    """Its columns have to be named first. `errors` has a field for each open question."""

    def __init__(self, guess: Guess, account: BankAccount | None) -> None:
        """account: if it is known, so is the currency."""
        questions = [question for question in guess.questions if account is None or question.name != "currency"]
        super().__init__({"file": [NO_PROFILE], **{question.name: [_asked(question)] for question in questions}})
        self.members["questions"] = [
            {
                "name": question.name,
                "text": question.text,
                "answers": [{"value": answer.value, "label": answer.label} for answer in question.answers],
            }
            for question in questions
        ]
        self.members["proposed_profile"] = guess.profile and guess.profile.as_dict()


@dataclass(frozen=True)
class Totals:
    """Of one statement in the table, its pending entries left out."""

    account: AccountIdentifier
    currency: str
    count: int
    sum: Decimal
    adds_up: bool | None
    first_break: Break | None


@dataclass(frozen=True)
class Proposal:
    """profile: None while a question is open. lines: the first ones, each with its currency."""

    guess: Guess
    lines: tuple[tuple[str, Line], ...] = ()
    totals: tuple[Totals, ...] = ()

    @property
    def profile(self) -> Profile | None:
        return self.guess.profile


def guess_table(content: bytes, answers: Answers | None = None, *, name: str = "Own profile") -> Guess:
    """Raises ValidationError for what no profile can read, and with the name of an answer that does not fit."""
    if len(content) > TABLE_MAX_BYTES:
        words = "Send one of at most 256 kB first: its columns are asked once, and larger ones are read then."
        raise ValidationError({"file": [f"{NO_PROFILE} {words}"]})
    try:
        return guess_profile(content, name=name, answers=answers)
    except ProfileError as error:
        raise ValidationError({error.field: [f"{error.detail[:1].upper()}{error.detail[1:]}."]}) from error
    except UnreadableStatementError as error:
        where = f" Row {error.row}." if error.row else ""
        raise ValidationError({"file": [f"{error.detail}{where}"]}) from error


def propose(content: bytes, answers: Answers, account: BankAccount | None) -> Proposal:
    """account: whose statement it is; the currency is asked only without it. Raises as `guess_table`."""
    known = {"currency": account.currency} if account is not None else {}
    guess = guess_table(content, {**known, **answers}, name=account.name if account else "Own profile")
    if guess.profile is None:
        return Proposal(guess)
    try:
        return Proposal(guess, tuple(guess.preview[:PREVIEW_LINES]), tuple(_totals(content, guess.profile)))
    except UnreadableStatementError as error:
        raise ValidationError({"file": [f"{error.detail} Row {error.row}."]}) from error


def check_account(proposal: Proposal, account: BankAccount) -> None:
    """Raises ValidationError where the table is of another account, or in another currency."""
    for totals in proposal.totals:
        found = resolve_account(totals.account, totals.currency, account)
        if found is None:
            raise ValidationError({"bank_account": [unresolved_words(totals.account)]})
        if found != account:
            raise ValidationError({"bank_account": [f"This is a statement of {found}."]})
        if totals.currency != account.currency:
            words = f"The table is in {totals.currency}, {account} is in {account.currency}."
            raise ValidationError({"bank_account": [words]})


def _totals(content: bytes, profile: Profile) -> list[Totals]:
    found = []
    for statement in delimited.read(BytesIO(content), profile):
        sums = Arithmetic()
        for line in statement.lines:
            (sums.add_pending if line.pending else sums.add)(line)
        adds_up, first_break = sums.check(statement)
        total = sums.credits - sums.debits
        found.append(Totals(statement.account, statement.currency, sums.count, total, adds_up, first_break))
    return found


def _asked(question: Question) -> str:
    choices = ", ".join(f"{answer.value} ({answer.label})" for answer in question.answers)
    return f"{question.text} {choices or 'An ISO 4217 code'}."
