from __future__ import annotations

import hashlib
from collections.abc import Iterable
from copy import copy

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models.functions import Now
from django.db.transaction import atomic

from core.models import PayeeVersion, PaymentMethod, Policy, User
from core.models.payee_version import PAYEE, same_payee
from core.payees.instructions import DEMO_WARNING
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from engine import schedule, schedule_many
from workflows.mail.operator_warnings import mail_no_way_to_pay
from workflows.payees.changes import is_shown, may_change
from workflows.payees.examples import still_examples
from workflows.payees.missing_methods import places_without_method
from workflows.periods import database_now
from workflows.security.payee_effects import payee_mail_effect, put_in_force_effect
from workflows.security.rights import check_may_set

ADD_METHOD = "core.add_paymentmethod"


def add_method(method: PaymentMethod, *, by: User) -> PaymentMethod:
    """Not offered until it is saved with its payee. Raises PermissionDenied, ValidationError, Conflict."""
    check_may_set(by, ADD_METHOD)
    method.is_enabled = False
    try:
        method.full_clean(exclude=["instructions"])  # they come with the payee
    except DjangoValidationError as error:
        raise ValidationError(error.message_dict) from error
    try:
        with atomic():
            method.save()
    except IntegrityError as error:
        raise Conflict("Another payment method has this code.") from error
    return method


def save_method(method: PaymentMethod, *, by: User) -> PayeeVersion | None:
    """Returns the new version of its payee, if that was changed; see `confirm_payee` if an issued invoice shows it.

    Operators are told where nobody can pay any more. Raises Conflict if a change waits already, Django's
    ValidationError.
    """
    _check(by)
    _check_whole(method)
    with atomic():
        held = PaymentMethod.objects.select_for_update(no_key=True).get(pk=method.pk)
        version = _save_with_payee(method, held, by=by)
        warn_of_missing_ways([held])
    return version


def _save_with_payee(method: PaymentMethod, held: PaymentMethod, *, by: User) -> PayeeVersion | None:
    if same_payee(held, method):
        method.save()
        return None
    if not is_shown(held):
        version = _note(method, by=by)
        method.save()
        schedule_many([payee_mail_effect(version, waits=False)])
        return version
    version = _ask(method, by=by)
    keep_payee(method, held)
    _check_whole(method)
    method.save()
    return version


def example_errors(method: PaymentMethod) -> dict[str, str]:
    """By payee key or `instructions`."""
    if method.is_demo or not method.is_enabled:
        return {}
    words = "This is the catalogue's example: fill in your own, or leave it a demo."
    errors = dict.fromkeys(still_examples(method), words)
    if DEMO_WARNING in str(method.instructions):
        errors["instructions"] = f'Take out "{DEMO_WARNING}", or leave it a demo.'
    return errors


def confirm_payee(version: PayeeVersion, *, by: User) -> PayeeVersion:
    """As the second person; in force when its waiting time is over. Raises WrongState."""
    _check(by)
    with atomic():
        version = _held(version)
        if version.asked_by_id == by.pk:
            raise PermissionDenied("Somebody else confirms what you asked for.")
        if version.confirmed_by_id is not None:
            raise _over(version, "confirmed already")
        version.confirmed_by, version.confirmed_at = by, database_now()
        version.save(update_fields=["confirmed_by", "confirmed_at"])
        schedule_many([put_in_force_effect(version)])
    return version


def withdraw_payee(version: PayeeVersion, *, by: User) -> PayeeVersion:
    """Raises WrongState if it is in force."""
    _check(by)
    with atomic():
        version = _held(version)
        version.withdrawn_by, version.withdrawn_at = by, database_now()
        version.save(update_fields=["withdrawn_by", "withdrawn_at"])
    return version


def keep_payee(method: PaymentMethod, held: PaymentMethod) -> None:
    for name in PAYEE:
        setattr(method, name, copy(getattr(held, name)))


def warn_of_missing_ways(before: Iterable[PaymentMethod]) -> list[str]:
    """Places where nobody can pay any more; operators get one mail a day about the same places.

    before: the methods as they were.
    """
    # Not refused: a compromised bank account must be switched off at once.
    places = list(places_without_method(before))
    if places:
        digest = hashlib.sha256("; ".join(places).encode()).hexdigest()[:16]
        key = f"no_way_to_pay:{database_now():%Y-%m-%d}:{digest}"
        schedule(mail_no_way_to_pay, key=key, payload={"places": places})
    return places


def _check_whole(method: PaymentMethod) -> None:
    method.full_clean()
    if errors := example_errors(method):
        raise DjangoValidationError([DjangoValidationError(words, code=key) for key, words in errors.items()])


def _check(user: User) -> None:
    if not may_change(user):
        raise PermissionDenied("You may not change payment methods.")


def _note(method: PaymentMethod, *, by: User) -> PayeeVersion:
    version = PayeeVersion.from_method(method, number=_next_number(method), asked_by=by, at_once=True)
    version.in_force_at = Now()
    version.save()
    version.refresh_from_db()
    return version


def _ask(method: PaymentMethod, *, by: User) -> PayeeVersion:
    if PayeeVersion.objects.waiting().filter(method=method).exists():
        raise Conflict("Another change of where this method's money is sent waits already. Withdraw it first.")
    policy = Policy.current()
    version = PayeeVersion.from_method(
        method,
        number=_next_number(method),
        asked_by=by,
        wait_hours=policy.payee_wait_hours,
        alone_hours=policy.payee_wait_hours_alone,
    )
    version.save()
    version.refresh_from_db()
    schedule_many([payee_mail_effect(version, waits=True), put_in_force_effect(version)])
    return version


def _next_number(method: PaymentMethod) -> int:
    """The caller has locked the method."""
    last = PayeeVersion.objects.filter(method=method).order_by("-number").values_list("number", flat=True).first()
    return (last or 0) + 1


def _held(version: PayeeVersion) -> PayeeVersion:
    """Read again, with its method locked. Raises WrongState if it is over."""
    list(PaymentMethod.objects.select_for_update(no_key=True).filter(pk=version.method_id))
    version = PayeeVersion.objects.get(pk=version.pk)
    if not version.is_waiting:
        raise _over(version, "in force already" if version.in_force_at else "withdrawn")
    return version


def _over(version: PayeeVersion, words: str) -> WrongState:
    status = words.partition(" already")[0].replace(" ", "_")
    return WrongState(f"This change is {words}.", object_status=status, available=[], unmet=[])
