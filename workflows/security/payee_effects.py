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
from workflows.payees.changes import changes, payee_editors, version_in_force_before
from workflows.periods import database_now

LOOK_AGAIN_AFTER = timedelta(days=1)


@mail("payee_changed", to_staff=True)
def mail_payee_changed(_: None, effect: Effect) -> EmailContext | None:
    version = PayeeVersion.objects.select_related("asked_by", "confirmed_by").get(pk=effect.payload["version"])
    method = PaymentMethod.objects.filter(pk=version.method_id).first()
    if method is None or (effect.payload["waits"] and not version.is_waiting):
        return None
    words = context.payee_changed(
        method, version, changes(method, version_in_force_before(version), version), waits=effect.payload["waits"]
    )
    return EmailContext(words, to=payee_change_recipients())


@effect_handler("payee.put_in_force")
def apply_payee_version(_: None, this: Effect) -> None:
    """Unconfirmed only if nobody else could confirm it; else it is looked at again.

    A second run finds it in force: the method is locked. Raises PermanentFailure if the method has changed so that the
    payee no longer fits.
    """
    version = PayeeVersion.objects.get(pk=this.payload["version"])
    method = PaymentMethod.objects.select_for_update(no_key=True).filter(pk=version.method_id).first()
    version.refresh_from_db()
    if method is None or not version.is_waiting:
        return
    if version.confirmed_by_id is None and _somebody_else_may(version):
        schedule_many([_look(version, this, look=this.payload.get("look", 0) + 1)])
        return
    if database_now() < version.earliest_at:
        return  # a confirmation schedules an effect of its own
    version.apply_to(method)
    try:
        copy(method).full_clean()  # a copy: it may respell fields, and in force is what was confirmed
    except ValidationError as error:
        raise PermanentFailure(f"{method.code}, {version}: {'; '.join(error.messages)}") from error
    version.in_force_at = database_now()
    version.save(update_fields=["in_force_at"])
    method.save()
    schedule_many([payee_mail_effect(version, waits=False)])


def payee_change_recipients() -> list[str]:
    own = payee_editors().order_by("email").values_list("email", flat=True)
    return list(dict.fromkeys([*own, *reviewers(), *settings.OPERATOR_EMAILS]))


def payee_mail_effect(version: PayeeVersion, *, waits: bool) -> NewEffect:
    key = f"payee_changed:{version.pk}:{'asked' if waits else 'in_force'}"
    return NewEffect(mail_payee_changed, key, payload={"version": str(version.pk), "waits": waits})


def put_in_force_effect(version: PayeeVersion) -> NewEffect:
    """At the moment from which it may come into force."""
    kind = "alone" if version.confirmed_by_id is None else "confirmed"
    key = f"payee.put_in_force:{version.pk}:{kind}"
    return NewEffect(apply_payee_version, key, payload={"version": str(version.pk)}, at=version.earliest_at)


def _somebody_else_may(version: PayeeVersion) -> bool:
    return any(user.pk != version.asked_by_id for user in payee_editors())


def _look(version: PayeeVersion, this: Effect, *, look: int) -> NewEffect:
    return NewEffect(
        apply_payee_version,
        f"payee.put_in_force:{version.pk}:{look}",
        payload={"version": str(version.pk), "look": look},
        after=LOOK_AGAIN_AFTER,
    )
