"""A table waits while its sender says what its columns are; then the profile is saved and the table imported."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from django.db.models import QuerySet
from django.db.transaction import atomic

from core.models import BankAccount, StatementDraft, StatementFile, User
from core.problems import NotFound, ValidationError
from workflows.bank.accounts import save_bank_account
from workflows.bank.tables import Answers, Proposal, UnknownTable, check_account, propose
from workflows.bank.uploads import check_may_import, import_statement, shown_name

DRAFTS_PER_PERSON = 5  # older ones go


def import_or_keep(
    content: bytes, *, name: str, by: User, bank_account: BankAccount | None = None
) -> tuple[StatementFile, bool] | StatementDraft:
    """As `import_statement`; a table whose columns have to be named first is kept for a day.

    The same bytes again are the same draft.
    """
    try:
        return import_statement(content, name=name, by=by, bank_account=bank_account)
    except UnknownTable:
        return _keep(content, name=name, by=by, bank_account=bank_account)


def _keep(content: bytes, *, name: str, by: User, bank_account: BankAccount | None) -> StatementDraft:
    facts = {"name": shown_name(name), "content": content, "bank_account": bank_account}
    draft, _ = StatementDraft.objects.update_or_create(
        uploaded_by=by, sha256=sha256(content).hexdigest(), defaults=facts
    )
    own = StatementDraft.objects.filter(uploaded_by=by).exclude(pk=draft.pk).order_by("-created_at", "-id")
    older = list(own.values_list("pk", flat=True)[DRAFTS_PER_PERSON - 1 :])
    StatementDraft.objects.filter(pk__in=older).delete()
    return draft


def find_draft(pk: UUID, *, by: User) -> StatementDraft:
    """Raises NotFound, also for one of another person."""
    return _find(StatementDraft.objects.select_related("bank_account"), pk, by)


def _find(drafts: QuerySet[StatementDraft], pk: UUID, by: User) -> StatementDraft:
    draft = drafts.filter(pk=pk, uploaded_by=by).first()
    if draft is None:
        raise NotFound("This table is not kept any more. If it was not imported, send it again.")
    return draft


def propose_draft(draft: StatementDraft, answers: Answers, account: BankAccount | None) -> Proposal:
    """How the table would be read. Raises ValidationError, by the name of the answer."""
    return propose(bytes(draft.content), answers, account)


def import_draft(
    draft: StatementDraft, answers: Answers, *, account: BankAccount, by: User
) -> tuple[StatementFile, bool]:
    """Saves the profile on the account and imports the table: both or neither. Returns as `import_statement`.

    Raises PermissionDenied; NotFound; UnknownTable while an answer is missing; ValidationError for an answer that does
    not fit and for a table of another account.
    """
    check_may_import(by)
    with atomic():
        kept = _find(StatementDraft.objects.select_for_update(), draft.pk, by)
        proposal = propose(bytes(kept.content), answers, account)
        if proposal.profile is None:
            raise UnknownTable(proposal.guess, account)
        if not proposal.lines:
            raise ValidationError({"file": ["No line of this table is booked or pending."]})
        check_account(proposal, account)
        profile = proposal.profile.as_dict()
        save_bank_account(account, by=by, profile=profile)
        taken = import_statement(bytes(kept.content), name=kept.name, by=by, bank_account=account, profile=profile)
        kept.delete()
    return taken
