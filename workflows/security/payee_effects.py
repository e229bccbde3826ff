"""Puts requested changes of payees in force, and sends mails about them."""

from __future__ import annotations

from copy import copy
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError

from core.models import PayeeVersion, PaymentMethod
from engine import NewEffect, PermanentFailure, effect_handler, schedule_many
from engine.models import Effect
from workflows.mail import context
from workflows.mail.notifications import reviewers
from workflows.mail.sending import EmailContext, mail
from workflows.periods import database_now
from workflows.security.payee_changes import before, changes, holders

AGAIN = timedelta(days=1)


@mail("payee_changed", to_staff=True)
def mail_payee_changed(_: None, effect: Effect) -> EmailContext | None:
    """Nothing to say of a method that is gone, nor that something waits which does not any more."""
    version = PayeeVersion.objects.select_related("asked_by", "confirmed_by").get(pk=effect.payload["version"])
    method = PaymentMethod.objects.filter(pk=version.method_id).first()
    if method is None or (effect.payload["waits"] and not version.waits):
        return None
    words = context.payee_changed(
        method, version, changes(method, before(version), version), waits=effect.payload["waits"]
    )
    return EmailContext(words, to=told())


@effect_handler("payee.put_in_force")
def put_in_force(_: None, this: Effect) -> None:
    """Nothing is done twice, and nothing of what was withdrawn: the method's lock is held while it is looked at.

    Unconfirmed it comes into force only where nobody else could confirm it; else it is looked at again.
    Raises Permanent where the method has changed so that the payee does not fit it any more.
    """
    version = PayeeVersion.objects.get(pk=this.payload["version"])
    method = PaymentMethod.objects.select_for_update(no_key=True).filter(pk=version.method_id).first()
    version.refresh_from_db()
    if method is None or not version.waits:
        return
    if version.confirmed_by_id is None and _somebody_else_may(version):
        schedule_many([_look(version, this, look=this.payload.get("look", 0) + 1)])
        return
    if database_now() < version.earliest_at:
        return  # what it was confirmed with has its own time
    version.put_on(method)
    try:
        copy(method).full_clean()  # which may spell a field as it is spelled today: in force is what was confirmed
    except ValidationError as error:
        raise PermanentFailure(f"{method.code}, {version}: {'; '.join(error.messages)}") from error
    version.in_force_at = database_now()
    version.save(update_fields=["in_force_at"])
    method.save()
    schedule_many([tell(version, waits=False)])


def told() -> list[str]:
    """Who may change a payee, who reviews claims, and the operators; each once."""
    own = holders().order_by("email").values_list("email", flat=True)
    return list(dict.fromkeys([*own, *reviewers(), *settings.OPERATOR_EMAILS]))


def tell(version: PayeeVersion, *, waits: bool) -> NewEffect:
    key = f"payee_changed:{version.pk}:{'asked' if waits else 'in_force'}"
    return NewEffect(mail_payee_changed, key, payload={"version": str(version.pk), "waits": waits})


def in_time(version: PayeeVersion) -> NewEffect:
    """The look at the moment from which it may come into force, confirmed or not as it is now."""
    kind = "alone" if version.confirmed_by_id is None else "confirmed"
    key = f"payee.put_in_force:{version.pk}:{kind}"
    return NewEffect(put_in_force, key, payload={"version": str(version.pk)}, at=version.earliest_at)


def _somebody_else_may(version: PayeeVersion) -> bool:
    return any(user.pk != version.asked_by_id for user in holders())


def _look(version: PayeeVersion, this: Effect, *, look: int) -> NewEffect:
    return NewEffect(
        put_in_force,
        f"payee.put_in_force:{version.pk}:{look}",
        payload={"version": str(version.pk), "look": look},
        after=AGAIN,
    )
