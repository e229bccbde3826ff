from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models.functions import Now
from django.db.transaction import atomic

from core.models import DutyGrant, User
from core.models.duty import ACTIVE, GRANT_DUTIES, GROUP, STAFF, TransactionStart
from core.security.events import record_event
from engine import effect_handler, schedule
from engine.models import Effect
from workflows.mail import context
from workflows.mail.sending import EmailContext, mail
from workflows.security.rights import FLAGS, other_holders, permissions_of


@effect_handler("duties.come_into_force")
def come_into_force(_: None, effect: Effect) -> None:
    """If nobody but the asker could confirm it. A second run finds it in force."""
    grant = DutyGrant.objects.select_for_update(no_key=True).get(pk=effect.payload["grant"])
    if not grant.is_open:
        return
    asker = grant.asked_by
    if asker is None or not asker.is_granted(GRANT_DUTIES) or other_holders(asker, grant.person).exists():
        return  # it waits for a second person, or is moot
    put_grant_in_force(grant)


def put_grant_in_force(grant: DutyGrant, **confirmed: User) -> None:
    """In one transaction with the row, which the caller has locked."""
    with atomic():
        fields = {"in_force_at": TransactionStart(), **({"confirmed_at": Now()} if confirmed else {}), **confirmed}
        DutyGrant.objects.filter(pk=grant.pk).update(**fields)
        grant.refresh_from_db()
        apply(grant)
        record_event(
            "rights_taken" if grant.kind == DutyGrant.Kind.TAKE else "rights_given",
            actor=grant.confirmed_by or grant.asked_by,
            person=grant.person,
            grant=str(grant.pk),
            duties=grant.duties,
        )
        tell_of(grant)


def apply(grant: DutyGrant) -> None:
    assert grant.person is not None
    person = User.objects.select_for_update(no_key=True).get(pk=grant.person.pk)
    if grant.kind == DutyGrant.Kind.EMAIL:
        person.email = grant.email
        person.save()
        person.sign_out()  # the reader of the old address
        return
    is_given = grant.kind == DutyGrant.Kind.GIVE
    words = set(grant.duties)
    for word in words & set(FLAGS):
        setattr(person, FLAGS[word], is_given)
    if words & set(FLAGS):
        person.save()
    groups = _groups(words)
    permissions = permissions_of(word for word in words - set(FLAGS) if not _is_group(word))
    if is_given:
        person.groups.add(*groups)
        person.user_permissions.add(*permissions)
    else:
        person.groups.remove(*groups)
        person.user_permissions.remove(*permissions)
    if not is_given and words & {STAFF, ACTIVE}:
        person.sign_out()


def tell_of(grant: DutyGrant) -> None:
    assert grant.person is not None
    schedule(
        mail_granted, key=f"duty_granted:{grant.pk}", payload={"grant": str(grant.pk), "email": grant.person.email}
    )


@mail("duty_requested", to_staff=True)
def mail_requested(_: None, effect: Effect) -> EmailContext | None:
    grant = _grant(effect)
    if not grant.is_open:
        return None
    alone = not other_holders(grant.asked_by, grant.person).exists()
    return EmailContext(context.duty_requested(grant, alone=alone), to=_readers(effect, alone=alone))


@mail("duty_granted", to_staff=True)
def mail_granted(_: None, effect: Effect) -> EmailContext:
    grant = _grant(effect)
    alone = grant.asked_by is None or not other_holders(grant.asked_by, grant.person).exists()
    return EmailContext(context.duty_granted(grant), to=_readers(effect, alone=alone))


def _readers(effect: Effect, *, alone: bool) -> list[str]:
    """The person at their former address, all who may grant, and the operators where one acts alone."""
    holders = User.objects.staff_with(GRANT_DUTIES).values_list("email", flat=True)
    found = [effect.payload["email"], *holders, *(settings.OPERATOR_EMAILS if alone else [])]
    return list(dict.fromkeys(address for address in found if not address.endswith(".invalid")))


def _grant(effect: Effect) -> DutyGrant:
    people = ("person", "asked_by", "confirmed_by")
    return DutyGrant.objects.select_related(*people).get(pk=effect.payload["grant"])


def _groups(words: Iterable[str]) -> list[int]:
    names = [word.removeprefix(GROUP) for word in words if _is_group(word)]
    return list(Group.objects.filter(name__in=names).values_list("pk", flat=True))


def _is_group(word: str) -> bool:
    return word.startswith(GROUP)
