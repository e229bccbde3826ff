"""Export and erasure of personal data (GDPR); docs/operations.md lists what is kept.

The person's row stays, under an address that nobody has. Rows are found by keys, never by content: a name may be
somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import CharField, Model, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.db.transaction import atomic
from knox.models import AuthToken

from core.db.thaw import erase_log_names
from core.models import (
    Account,
    CrowdedTrial,
    Invitation,
    InvoiceLink,
    Membership,
    Payment,
    Refund,
    Session,
    Site,
    SiteUserAccess,
    StatementLine,
    Subscription,
    User,
)
from core.models.account import BILLING_FIELDS, ERASED_NAME
from core.models.refund import PAYEE
from core.problems import Conflict, PermissionDenied
from core.security.events import record_event
from engine.models import Transition
from engine.payload import to_json
from workflows.actions.accounts import close_account
from workflows.actions.duties import revoke_rights_as_operator
from workflows.actions.trials import forget_trial
from workflows.mail.sent_mails import Mailed, forget_mails, mailed_to, mails_of
from workflows.periods import database_now
from workflows.settlement.locking import lock_account

Rows = list[dict[str, Any]]

OF_A_PERSON = ("id", "email", "name", "is_staff", "is_active", "joined_at", "last_login", "email_verified_at")
OF_AN_ACCOUNT = ("id", "name", "status", "language", "time_zone", "created_at", *BILLING_FIELDS)
OF_A_CLAIM = ("id", "status", "amount", "currency", "reference", "payer_name", "notes", "proof_url", "paid_on")
OF_A_LINK = ("invoice__number", "recipient", "created_at", "expires_at", "revoked_at")
OF_A_CREDIT_NOTE = ("id", "invoice__number", "total", "currency", "reason", "issued_on")
OF_A_DOCUMENT = ("id", "kind", "number", "language", "made_at")
OF_A_REFUND = ("id", "status", "amount", "currency", *PAYEE, "reference", "sent_on", "created_at")
ERASED_DOMAIN = "@erased.invalid"  # no mail goes there, ever: RFC 2606
NOT_COUNTED = (Payment.Status.FAILED, Payment.Status.CANCELLED)


def export_person(user: User) -> str:
    """As JSON. `former`: their users in closed accounts.

    `other_rows`: keys of users who had the address before, perhaps other people.
    """
    record_event("person_exported", person=user)
    former = [_held_about(row) for row in _former_users(user)] if user.email_verified_at else []
    others = list(_other_users_of_address(user).values_list("pk", flat=True))
    return to_json({"exported_at": database_now(), **_held_about(user), "former": former, "other_rows": others})


def _held_about(user: User) -> dict[str, Any]:
    account = Account.objects.filter(memberships__user=user).first()
    is_owner = account is not None and user.role_in(account.pk) == Membership.Role.OWNER
    about_user = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    mailed = mailed_to(user, account if is_owner else None)
    links = _links_of(user, mailed)
    return {
        "person": {name: getattr(user, name) for name in OF_A_PERSON},
        "permissions": sorted(user.get_all_permissions()) if user.is_staff else [],
        "tokens": _rows(AuthToken.objects.filter(user=user).values("created", "expiry")),
        "sessions": _rows(user.sessions.order_by("began_at").values("began_at", "expire_date", "browser")),
        "membership": _rows(Membership.objects.filter(user=user).values("account_id", "role")),
        "invitations": _rows(_invitations_to(user).values("account_id", "role", "created_at")),
        "sites": _rows(SiteUserAccess.objects.filter(user=user).values("site__name", "role")),
        "account": {name: getattr(account, name) for name in OF_AN_ACCOUNT} if account and is_owner else None,
        "invoices": _rows(
            account.invoices.order_by("id").values("number", "payment_reference", "issued_on", "status", "metadata")
        )
        if account and is_owner
        else [],
        "claims": _rows(_claims_of(user, links).order_by("id").values(*OF_A_CLAIM)),
        "links": _rows(links.order_by("id").values(*OF_A_LINK)),
        "did": _rows(
            Transition.objects.filter(actor=user)
            .order_by("id")
            .values("at", "machine", "object_id", "name", "reason", "inputs")
        ),
        "payers": _rows(account.payer_identities.order_by("id").values("kind", "value", "created_at"))
        if account and is_owner
        else [],
        "credit_notes": _rows(account.credit_notes.standing().order_by("id").values(*OF_A_CREDIT_NOTE))
        if account and is_owner
        else [],
        "documents": _rows(account.documents.order_by("id").values(*OF_A_DOCUMENT)) if account and is_owner else [],
        "refunds": _rows(account.refunds.order_by("id").values(*OF_A_REFUND)) if account and is_owner else [],
        "mails": mails_of(mailed),
        "staff_log": _rows(
            LogEntry.objects.filter(Q(user=user) | about_user)
            .order_by("id")
            .values("action_time", "object_repr", "change_message")
        ),
    }


def erase_person(user: User, *, by: User, reason: str) -> dict[str, int]:
    """Returns the number of changed or deleted rows by kind; a second run finds none.

    Closes an account with its last member. Raises Conflict while a claim waits, if other members would be left without
    an owner, or if it is not known whose the address was before.
    """
    if not by.is_granted("core.erase_person"):
        raise PermissionDenied("You may not erase people.")
    if user.is_service:
        raise Conflict("This is a service and no person.")
    with atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        former = list(_former_users(user).select_for_update(no_key=True))
        if former and user.email_verified_at is None:
            ids = ", ".join(str(row.pk) for row in former)
            raise Conflict(f"The address is not confirmed, and belonged to somebody before. Erase them first: {ids}.")
        changed = _erase(user, by, reason)
        for row in former:
            changed = {name: count + changed[name] for name, count in _erase(row, by, reason).items()}
    return changed


def _erase(user: User, by: User, reason: str) -> dict[str, int]:
    """The caller has locked the row."""
    account = _account_to_close(user, by, reason)
    forget_trial(user.email)
    nobody = f"erased-{user.pk.hex}{ERASED_DOMAIN}"
    mailed = mailed_to(user, account)
    links = _links_of(user, mailed)
    changed = {
        "log": _blank_admin_log(user, account),  # while the rows that it is about are there
        "mails": forget_mails(mailed, nobody),
        "answers": _delete_idempotent_responses(user, account),
        "claims": _blank_claims(_claims_of(user, links)),
        "memberships": Membership.objects.filter(user=user).delete()[0],
        "sites": SiteUserAccess.objects.filter(user=user).delete()[0],
        "tokens": AuthToken.objects.filter(user=user).count(),
        "invitations": (_invitations_to(user) | Invitation.objects.filter(account=account)).delete()[0],
        "sessions": user.sessions.count(),
        "links": _end_links(links),
    }
    changed["payers"] = _forget_payers(account) if account is not None else 0
    if account is not None:
        _anonymise_account(account)
    _anonymise_user(user, nobody)
    _remember(user, by, reason)
    return changed


def _former_users(user: User) -> QuerySet[User]:
    """In closed accounts, and never staff."""
    closed = Membership.objects.filter(account__status=Account.Status.CLOSED).values("user")
    return (
        User.objects.former_owners_of(user.email)
        .filter(pk__in=closed, was_staff=False)
        .exclude(pk=user.pk)
        .order_by("pk")
    )


def _other_users_of_address(user: User) -> QuerySet[User]:
    former = _former_users(user).values("pk")
    return User.objects.former_owners_of(user.email).exclude(pk__in=former).exclude(pk=user.pk).order_by("pk")


def _invitations_to(user: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(email_canonical=user.email_canonical)


def _account_to_close(user: User, by: User, reason: str) -> Account | None:
    """None if others stay."""
    membership = Membership.objects.filter(user=user).first()
    if membership is None:
        return None
    account = lock_account(membership.account)
    others = account.memberships.exclude(user=user)
    if others.exists():
        if account.status == Account.Status.CLOSED:
            return None  # a closed account needs no owner
        if membership.role == Membership.Role.OWNER and not others.filter(role=Membership.Role.OWNER).exists():
            raise Conflict("Somebody else of the account must own it first.")
        return None
    if account.payments.in_review().exists():
        raise Conflict("A payment of the account waits to be decided or settled: see to it first.")
    if account.refunds.filter(status__in=Refund.UNDER_WAY).exists():
        raise Conflict("A refund of the account is under way: see to it first.")
    if account.credit_notes.drafts().exists():
        raise Conflict("A credit note of the account waits to be decided on: see to it first.")
    if account.status != Account.Status.CLOSED:
        close_account(account, by=by, reason=reason)
    return account


def _delete_idempotent_responses(user: User, account: Account | None) -> int:
    # Responses to this person, or that contain their id or that of the account.
    ids = [str(row.pk) for row in (user, account) if row is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM core_idempotentresponse WHERE scope = %s OR EXISTS (
                   SELECT FROM unnest(%s::text[]) AS id WHERE position(convert_to(id, 'UTF8') IN body) > 0)""",
            [f"user:{user.pk}", ids],
        )
        return int(cursor.rowcount)


def _links_of(user: User, mailed: Mailed) -> QuerySet[InvoiceLink]:
    """To their address, as far as mails to it are theirs, and about invoices of the account that is theirs alone."""
    to_them = Q(recipient=user.email_canonical)
    if not mailed.is_proved:
        to_them &= Q(invoice__account__in=mailed.accounts)
    return InvoiceLink.objects.filter(to_them | Q(invoice__account=mailed.closed))


def _claims_of(user: User, links: QuerySet[InvoiceLink]) -> QuerySet[Payment]:
    by_link = [*links.values_list("pk", "invoice_id")]
    # By the index on invoices: links have none.
    told = Q(invoice__in={invoice for _, invoice in by_link}, claimed_by_link__in=[link for link, _ in by_link])
    return Payment.objects.filter(Q(submitted_by=user) | told if by_link else Q(submitted_by=user))


def _end_links(links: QuerySet[InvoiceLink]) -> int:
    now = database_now()
    links.filter(revoked_at__isnull=True).update(revoked_at=now)
    return links.exclude(recipient="").update(recipient="")


def _blank_claims(mine: QuerySet[Payment]) -> int:
    # The payer stays if money came, and the bank's reference always.
    mine.filter(status__in=NOT_COUNTED).update(payer_name="")
    return mine.exclude(notes="", proof_url="").update(notes="", proof_url="")


def _forget_payers(account: Account) -> int:
    """Who paid for it or was paid back, and what the bank wrote of them. Amounts and days stay, and what was paid."""
    shown = Q(payments__payment__account=account) | Q(refunds__account=account)
    lines = StatementLine.objects.filter(shown).exclude(
        text="", payer_name="", payer_account="", references=[], details=[]
    )
    keys = list(lines.values_list("pk", flat=True).distinct())
    told = StatementLine.objects.filter(pk__in=keys)
    told.update(text="", payer_name="", payer_account="", references=[], details=[])
    payees = account.refunds.exclude(payee_name=None)
    paid_back = payees.update(**dict.fromkeys(PAYEE), note="")
    return len(keys) + paid_back + account.payer_identities.all().delete()[0]


def _blank_admin_log(user: User, account: Account | None) -> int:
    # Names are blanked. Who changed what stays.
    forgotten: list[int] = []
    for model, keys in _rows_of(user, account).items():
        about = ContentType.objects.get_for_model(model)
        entries = LogEntry.objects.filter(content_type=about, object_id__in=[str(key) for key in keys])
        tells_of_erasure = Q(object_repr__endswith=ERASED_DOMAIN)
        forgotten += entries.exclude(tells_of_erasure).values_list("pk", flat=True)
    return erase_log_names(forgotten)


def _rows_of(user: User, account: Account | None) -> dict[type[Model], list[Any]]:
    found: dict[type[Model], list[Any]] = {
        User: [user.pk],
        Membership: list(Membership.objects.filter(user=user).values_list("pk", flat=True)),
        SiteUserAccess: list(SiteUserAccess.objects.filter(user=user).values_list("pk", flat=True)),
        Session: list(user.sessions.values_list("pk", flat=True)),
    }
    if account is None:
        return found
    return found | {
        Account: [account.pk],
        Site: list(account.sites.values_list("pk", flat=True)),
        Subscription: list(account.subscriptions.values_list("pk", flat=True)),
    }


def _anonymise_account(account: Account) -> None:
    account.name = ERASED_NAME
    for name in BILLING_FIELDS:
        setattr(account, name, "")
    account.proved_email = account.refused_email = ""
    account.save(update_fields=["name", "proved_email", "refused_email", *BILLING_FIELDS])
    CrowdedTrial.objects.filter(account=account).delete()
    account.sites.update(name=Concat(Value("Erased "), Cast("id", CharField())))


def _anonymise_user(user: User, nobody: str) -> None:
    revoke_rights_as_operator(user)
    user.email, user.name, user.last_login, user.former_email_digest = nobody, "", None, ""
    user.is_active = False
    user.set_unusable_password()
    user.save()
    user.duty_grants.exclude(email="").update(email="")


def _remember(user: User, by: User, reason: str) -> None:
    record_event("person_erased", actor=by, person=user)
    LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.email,
        action_flag=CHANGE,
        change_message=f"Erased: {reason}",
    )


def _rows(rows: Iterable[Any]) -> Rows:
    return list(rows)
