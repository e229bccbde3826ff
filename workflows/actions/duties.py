"""Granting rights to staff: one person asks, another confirms; nobody asks for themselves.

`manage.py` acts at once: its operator controls the database anyway.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError as Invalid
from django.core.validators import validate_email
from django.db.models.functions import Now
from django.db.transaction import atomic

from core.models import DutyGrant, Policy, User
from core.models.duty import ACTIVE, GRANT_DUTIES, STAFF
from core.models.user import SERVICE_DOMAIN
from core.problems import Conflict, PermissionDenied, ValidationError
from core.security.events import record_event, record_refusal
from core.validation.email import LONGEST_EMAIL, canonical_email
from engine import schedule
from workflows.periods import database_now
from workflows.security.rights import is_trusted, permissions_of, right_code_of, right_codes_of, right_labels
from workflows.security.rights_effects import apply, come_into_force, mail_requested, put_grant_in_force, tell_of

MAX_REASON_LENGTH = 500  # characters


def request_rights(person: User, duties: Iterable[str], *, by: User, reason: str = "") -> DutyGrant:
    """Makes the person staff, too. Raises Conflict if they have all of them."""
    with atomic():
        person = _asked_for(person, by)
        words = _not_held(duties, person)
        if not words:
            raise Conflict("They hold all of this already.")
        return _ask(DutyGrant.Kind.GIVE, person, sorted(words), by=by, reason=reason)


def request_email_change(person: User, email: str, *, by: User, reason: str = "") -> DutyGrant:
    """Needs a second person, too: the reader of the address may set the password."""
    with atomic():
        person = _asked_for(person, by)
        _check_email(email, person)
        return _ask(DutyGrant.Kind.EMAIL, person, ["email"], by=by, reason=reason, email=email.strip())


def revoke_rights(person: User, duties: Iterable[str], *, by: User, reason: str = "") -> DutyGrant:
    """Takes effect at once. Raises Conflict if they hold none of it."""
    with atomic():
        person = _asked_for(person, by)
        words = _checked(duties) & right_codes_of(person)
        if not words:
            raise Conflict("They hold nothing of this.")
        grant = _row(DutyGrant.Kind.TAKE, person, sorted(words), by=by, reason=reason)
        put_grant_in_force(grant)
        return grant


def confirm(grant: DutyGrant, *, by: User) -> DutyGrant:
    """In force at once. Raises Conflict if it is decided already."""
    with atomic():
        grant = _locked(grant)
        _check_holder(by)
        if by.pk in (grant.asked_by_id, grant.person_id):
            _refuse(by, "Somebody else confirms this: neither who asked for it, nor whom it is for.")
        if grant.asked_by is None or not grant.asked_by.is_granted(GRANT_DUTIES):
            raise Conflict("Who asked for this may not grant rights any more: withdraw it and ask again.")
        if grant.kind == DutyGrant.Kind.EMAIL and grant.person is not None:
            _check_email(grant.email, grant.person)
        put_grant_in_force(grant, confirmed_by=by)
        return grant


def withdraw(grant: DutyGrant, *, by: User) -> DutyGrant:
    """Raises Conflict if it is decided already."""
    with atomic():
        grant = _locked(grant)
        _check_holder(by)
        DutyGrant.objects.filter(pk=grant.pk).update(withdrawn_by=by, withdrawn_at=Now())
        grant.refresh_from_db()
        record_event("rights_withdrawn", actor=by, person=grant.person, grant=str(grant.pk), duties=grant.duties)
        return grant


def grant_rights_as_operator(person: User, duties: Iterable[str], *, tell: bool = False) -> DutyGrant | None:
    """None if they hold all of it."""
    with atomic():
        words = _not_held(duties, person)
        return _at_once(DutyGrant.Kind.GIVE, person, words, tell=tell) if words else None


def revoke_rights_as_operator(
    person: User, duties: Iterable[str] | None = None, *, tell: bool = False
) -> DutyGrant | None:
    """duties: None: all. Returns None if they hold none of it."""
    with atomic():
        held = right_codes_of(person)
        words = held - {ACTIVE} if duties is None else held & set(duties)
        return _at_once(DutyGrant.Kind.TAKE, person, words, tell=tell) if words else None


def set_group(name: str, duties: Collection[str]) -> Group:
    with atomic():
        group, _ = Group.objects.get_or_create(name=name)
        try:
            wanted = {permission.pk: word for word in duties for permission in permissions_of([word])}
        except Permission.DoesNotExist as error:
            raise ValidationError({"duties": ["These are no permissions that there are."]}) from error
        held = {
            permission.pk: right_code_of(permission) for permission in group.permissions.select_related("content_type")
        }
        for kind, some in (("give", wanted.keys() - held.keys()), ("take", held.keys() - wanted.keys())):
            words = sorted({(wanted | held)[key] for key in some})
            if words:
                DutyGrant.record(kind=kind, group_name=name, duties=words, origin=DutyGrant.Origin.OPERATOR)
                record_event("group_changed", group=name, kind=kind, duties=words)
        group.permissions.set(wanted)
    return group


def _not_held(duties: Iterable[str], person: User) -> set[str]:
    words = _checked(duties) - right_codes_of(person)
    return words | {STAFF} if words - {ACTIVE} and not person.is_staff else words


def _at_once(kind: str, person: User, words: set[str], *, tell: bool) -> DutyGrant:
    grant = DutyGrant.record(kind=kind, person=person, duties=sorted(words), origin=DutyGrant.Origin.OPERATOR)
    apply(grant)
    person.refresh_from_db()
    record_event("rights_given" if kind == "give" else "rights_taken", person=person, duties=grant.duties)
    if tell:
        tell_of(grant)
    return grant


def _ask(kind: str, person: User, words: list[str], *, by: User, reason: str, email: str = "") -> DutyGrant:
    grant = _row(kind, person, words, by=by, reason=reason, email=email)
    payload = {"grant": str(grant.pk)}
    schedule(mail_requested, key=f"duty_requested:{grant.pk}", payload=payload | {"email": person.email})
    schedule(come_into_force, key=f"duties:{grant.pk}", payload=payload, at=grant.waits_until)
    record_event("rights_asked", actor=by, person=person, grant=str(grant.pk), duties=words)
    return grant


def _row(kind: str, person: User, words: list[str], *, by: User, reason: str, email: str = "") -> DutyGrant:
    if len(reason) > MAX_REASON_LENGTH:
        raise ValidationError({"reason": [f"Use at most {MAX_REASON_LENGTH} characters."]})
    waits_until = database_now() + timedelta(hours=Policy.current().grant_wait_hours)
    return DutyGrant.objects.create(
        kind=kind,
        person=person,
        duties=words,
        email=email,
        reason=reason,
        origin=DutyGrant.Origin.PERSON,
        asked_by=by,
        waits_until=waits_until,
    )


def _asked_for(person: User, by: User) -> User:
    """Returns the locked row."""
    _check_holder(by)
    if person.pk == by.pk:
        _refuse(by, "Nobody changes their own rights.")
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _locked(grant: DutyGrant) -> DutyGrant:
    grant = DutyGrant.objects.select_for_update(no_key=True).get(pk=grant.pk)
    if not grant.is_open:
        raise Conflict("This is in force or withdrawn already.")
    return grant


def _check_holder(by: User) -> None:
    if not (by.is_staff and by.is_granted(GRANT_DUTIES)):
        _refuse(by, "You may not grant rights.")


def _refuse(by: User, words: str) -> None:
    record_refusal("rights_refused", actor=by)
    raise PermissionDenied(words)


def _checked(duties: Iterable[str]) -> set[str]:
    words = set(duties)
    if not words or words - right_labels().keys():
        raise ValidationError({"duties": ["Choose rights that there are."]})
    return words


def _check_email(email: str, person: User) -> None:
    if not is_trusted(person):
        raise ValidationError({"email": ["Of a customer it is changed in the admin."]})
    canonical = canonical_email(email)
    if person.is_service or canonical.endswith(SERVICE_DOMAIN):
        raise ValidationError({"email": ["The address of a service stays, and is no person's."]})
    try:
        validate_email(email.strip())
    except Invalid as error:
        raise ValidationError({"email": error.messages}) from error
    if max(len(email), len(canonical)) > LONGEST_EMAIL:
        raise ValidationError({"email": ["This address is too long."]})
    if User.objects.filter(email_canonical=canonical).exists():
        raise ValidationError({"email": ["Somebody has this e-mail address already, perhaps spelled in another way."]})
