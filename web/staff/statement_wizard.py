"""A table that no profile knows: what its columns are is said here, once for each bank account."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from core.models import BankAccount, StatementDraft
from core.problems import NotFound, Problem, ValidationError
from web.forms.base import PageForm
from web.forms.fields import Choice
from web.problem_messages import problem_message
from web.staff.access import IMPORT, StaffRequest, staff_with
from workflows.bank.drafts import find_draft, import_draft, propose_draft
from workflows.bank.readers.delimited.guess import FoundColumn
from workflows.bank.readers.delimited.guess_columns import Question
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.tables import Proposal

MAX_QUESTIONS = 60
ROLES = [
    ("ignored", "Left out"),
    ("date", "Day of booking"),
    ("value_date", "Value date"),
    ("other_date", "Another date"),
    ("amount", "Amount, with its sign"),
    ("credit", "Money in"),
    ("debit", "Money out"),
    ("sign", "Sign of the amount"),
    ("balance", "Balance after it"),
    ("fee", "Fee"),
    ("gross", "Amount before fees"),
    ("gross_currency", "Currency before fees"),
    ("currency", "Currency"),
    ("status", "Status"),
    ("kind", "Kind of line"),
    ("code", "Code of the row"),
    ("payer", "Payer"),
    ("payer_account", "Payer's account"),
    ("own_account", "Own account"),
    ("bank_id", "Bank's id"),
    ("reference", "Reference"),
    ("text", "Text"),
]
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "^": "caret", "~": "tilde"}


class TableForm(PageForm):
    """Never bound: what was typed is shown again, and the verb says what is wrong with it."""

    bank_account = Choice(label="Bank account", css="full")

    def __init__(self, proposal: Proposal, account: BankAccount | None, accounts: Mapping[str, BankAccount]) -> None:
        super().__init__(initial={"bank_account": str(account.pk) if account else ""})
        rows = [("", "Choose the account"), *((key, each.name) for key, each in accounts.items())]
        self.fields["bank_account"].choices = rows  # type: ignore[attr-defined]

    @property
    def questions(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("answer_")]

    @property
    def columns(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("column_")]

    def ask(self, number: int, question: Question, answer: str) -> None:
        choices = [("", "Choose"), *((each.value, each.label) for each in question.answers)]
        field = Choice(label=question.text, choices=choices, css="full", initial=answer)
        self.fields[f"answer_{number}"] = field
        self.fields[f"question_{number}"] = forms.CharField(widget=forms.HiddenInput, initial=question.name)

    def offer(self, column: FoundColumn, role: str) -> None:
        label = f"{column.place}. {column.heading}" if column.heading else f"Column {column.place}"
        examples = " · ".join(text[:40] for text in column.examples) or "empty"
        self.fields[f"column_{column.place}"] = Choice(
            label=label[:80], choices=ROLES, initial=role or column.role, help_text=examples
        )


@staff_with(IMPORT)
def table_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    try:
        draft = find_draft(pk, by=request.user)
    except NotFound as gone:
        messages.info(request, gone.detail)
        return redirect("desk_bank")
    accounts = {str(account.pk): account for account in BankAccount.objects.all()}
    account = _account(request, draft, accounts)
    answers, open_names = _answers(request)
    proposal, wrong = _proposal(draft, answers, account)
    if request.method == "POST" and not wrong:
        wrong = _missing(proposal, account, open_names)
    if request.POST.get("do") == "save" and account is not None and not wrong:
        if request.POST.get("seen") != _fingerprint(proposal, account):
            wrong = ["The answers have changed. Look at the lines once more, then save."]
        else:
            try:
                file, _ = import_draft(draft, answers, account=account, by=request.user)
            except Problem as problem:
                wrong = [problem_message(problem)]
            else:
                messages.success(request, f"The profile is saved for {account}.")
                return redirect("desk_bank_file", pk=file.pk)
    is_ready = proposal.profile is not None and account is not None and not wrong
    context = {
        "draft": draft,
        "form": _form(request, proposal, account, accounts),
        "wrong": wrong,
        "proposal": proposal,
        "facts": _facts(proposal),
        "seen": _fingerprint(proposal, account),
        "is_ready": is_ready,
        "replaces": account is not None and account.profile is not None,
        "account": account,
    }
    status = 400 if wrong and request.method == "POST" else 200
    return render(request, "web/staff/bank_table.html", context, status=status)


def _account(request: StaffRequest, draft: StatementDraft, accounts: Mapping[str, BankAccount]) -> BankAccount | None:
    if request.method == "POST":
        return accounts.get(request.POST.get("bank_account", ""))
    if draft.bank_account_id is not None:
        return accounts.get(str(draft.bank_account_id))
    return next(iter(accounts.values())) if len(accounts) == 1 else None


def _answers(request: StaffRequest) -> tuple[dict[str, str], set[str]]:
    """What was answered, and the names of questions that were left open."""
    names = [request.POST.get(f"question_{number}", "") for number in range(MAX_QUESTIONS)]
    given = {name: request.POST.get(f"answer_{number}", "") for number, name in enumerate(names) if name}
    answers = {name: answer for name, answer in given.items() if answer}
    left = given.keys() - answers.keys()
    if not left & {"date_column", "amount_column"}:  # else the columns are those that the question is about
        answers |= {name: str(role) for name, role in request.POST.items() if name.startswith("column_") and role}
    return answers, set(left)


def _proposal(
    draft: StatementDraft, answers: Mapping[str, str], account: BankAccount | None
) -> tuple[Proposal, list[str]]:
    """With answers that do not fit: as it was without them, and what is wrong."""
    try:
        return propose_draft(draft, answers, account), []
    except ValidationError as problem:
        return propose_draft(draft, {}, None), _words(problem)


def _words(problem: ValidationError) -> list[str]:
    errors: dict[str, list[str]] = problem.members["errors"]
    labels = {"file": "", "bank_account": ""}
    return [f"{labels.get(name, _name(name))}{line}" for name, lines in errors.items() for line in lines]


def _name(field: str) -> str:
    """Of an answer, as a person knows it."""
    return f"{field.partition(':')[2] or field.replace('_', ' ').capitalize()}: "


def _missing(proposal: Proposal, account: BankAccount | None, left: set[str]) -> list[str]:
    wrong = []
    if account is None:
        wrong.append("Choose the account that this is a statement of.")
    open_now = [question for question in proposal.guess.questions if question.name != "currency"]
    if open_now or left:
        wrong.append("Answer the questions that are open.")
    return wrong


def _form(
    request: StaffRequest, proposal: Proposal, account: BankAccount | None, accounts: Mapping[str, BankAccount]
) -> TableForm:
    form = TableForm(proposal, account, accounts)
    names = {request.POST.get(f"question_{n}", ""): request.POST.get(f"answer_{n}", "") for n in range(MAX_QUESTIONS)}
    asked = [question for question in proposal.guess.asked if question.name != "currency"]  # the account's
    for number, question in enumerate(asked[:MAX_QUESTIONS]):
        form.ask(number, question, names.get(question.name, question.found))
    for column in proposal.guess.columns:
        form.offer(column, "" if proposal.profile else request.POST.get(f"column_{column.place}", ""))
    return form


def _facts(proposal: Proposal) -> list[tuple[str, str]]:
    guess, profile = proposal.guess, proposal.profile
    facts = [
        ("Between cells", SEPARATORS.get(guess.delimiter, guess.delimiter)),
        ("Rows above the table", str(guess.rows_before)),
    ]
    return facts if profile is None else [*facts, *_facts_of(profile)]


def _facts_of(profile: Profile) -> list[tuple[str, str]]:
    amounts = "one column with signs"
    if profile.by_role("credit"):
        amounts = "money in and money out have a column each"
    elif profile.by_role("sign"):
        amounts = f"a column says the sign: {', '.join(profile.sign_in)} in, {', '.join(profile.sign_out)} out"
    elif profile.positive_is == "out":
        amounts = "one column; without a minus it is money out"
    left_out = ", ".join(word for rule in profile.row_rules for word in rule.words)
    return [
        ("Numbers", f"1{profile.grouping}234{profile.decimal}50"),
        ("Days", ", ".join(profile.dates)),
        ("Amounts", amounts),
        ("Currency", profile.currency or "its column says it"),
        *([("Rows that are no lines", left_out)] if left_out else []),
    ]


def _fingerprint(proposal: Proposal, account: BankAccount | None) -> str:
    """Of what a person saw before saving."""
    if proposal.profile is None or account is None:
        return ""
    return sha256(f"{account.pk} {proposal.profile.to_json()}".encode()).hexdigest()
