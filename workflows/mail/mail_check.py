"""Whether mail works: a person of the staff sends one to themselves, the way all others go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, UUIDField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.db.transaction import atomic

from core.models import SecurityEvent, User
from core.problems import Conflict, PermissionDenied
from core.security.events import record_event
from engine import schedule
from engine.ids import uuid7
from engine.models import CircuitBreaker, Effect
from workflows.mail import context
from workflows.mail.sending import EmailContext, mail
from workflows.periods import database_now

ASKED = "test_mail_asked"  # the security event that names the effect
LOOKED_AT = 20
FILES = "workflows.mail.file_backend.EmlBackend"
WAITING = (Effect.State.READY, Effect.State.WAITING, Effect.State.LEASED)


@mail("test", to_staff=True)
def mail_test(_: None, effect: Effect) -> EmailContext | None:
    user = User.objects.filter(pk=effect.payload["user"], is_active=True).first()
    if user is None:
        return None
    return EmailContext(context.test(user, server=effect.payload["server"], at=effect.created_at), to=[user.email])


def send_test_mail(*, by: User) -> UUID:
    """To their own address. Returns the effect's id. Raises Conflict while an earlier one is under way."""
    if not (by.is_active and by.is_staff):
        raise PermissionDenied("Only staff test the mails.")
    with atomic():
        User.objects.select_for_update(no_key=True).get(pk=by.pk)  # one at a time
        if any(test.effect.state in WAITING for test in latest_tests(1, of=by)):
            raise Conflict("The last one is still under way.")
        payload = {"user": str(by.pk), "server": mail_server()}
        effect_id = schedule(mail_test, key=f"test_mail:{uuid7()}", payload=payload)
        assert effect_id is not None
        record_event(ASKED, actor=by, person=by, effect=str(effect_id))
    return effect_id


@dataclass(frozen=True)
class MailTest:
    by: User
    effect: Effect


def latest_tests(most: int, *, of: User | None = None) -> list[MailTest]:
    """The newest first; effects that were purged are left out."""
    staff = User.objects.filter(is_staff=True)
    people = {person.pk: person for person in ([of] if of else staff)}
    asked = SecurityEvent.objects.filter(name=ASKED, person__in=list(people)).order_by("-id")[:most]
    by_effect = {UUID(event.facts["effect"]): people[event.person] for event in asked if event.person}
    effects = Effect.objects.filter(pk__in=by_effect)
    return [MailTest(by_effect[effect.pk], effect) for effect in effects.order_by("-id")]


def delivered_tests() -> QuerySet[Effect]:
    """Among the newest, those that the server of now has taken; none where mails become files."""
    if writes_files():
        return Effect.objects.none()
    staff = User.objects.filter(is_staff=True)
    asked = SecurityEvent.objects.filter(name=ASKED, person__in=staff.values("pk")).order_by("-id")
    effects = asked.annotate(effect=Cast(KeyTextTransform("effect", "facts"), UUIDField())).values("effect")
    return Effect.objects.filter(
        pk__in=effects[:LOOKED_AT],
        state=Effect.State.DONE,
        payload__server=mail_server(),
        outcome__recipients__0__isnull=False,
    )


def failing_mails(most: int) -> list[Effect]:
    """Given up, uncertain, or to be tried again; the newest first."""
    mails = Effect.objects.filter(kind__startswith="mail.").order_by("-id").defer("payload", "outcome")
    # Each alone, so that each finds its index.
    given_up = mails.filter(state__in=Effect.NEEDS_ATTENTION)[:most]
    tried_again = mails.filter(state=Effect.State.WAITING, failing_since__isnull=False)[:most]
    return sorted([*given_up, *tried_again], key=lambda effect: effect.pk, reverse=True)[:most]


def unreachable_kinds() -> QuerySet[CircuitBreaker]:
    """Kinds of mail whose server could not be reached lately, so that they wait."""
    return CircuitBreaker.objects.filter(kind__startswith="mail.", paused_until__gt=database_now()).order_by("kind")


def writes_files() -> bool:
    return settings.EMAIL_BACKEND == FILES


def mail_server() -> str:
    """Without user and password."""
    if writes_files():
        return f"files in {getattr(settings, 'EMAIL_FILE_PATH', 'var/mail')}"
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def mail_encryption() -> str:
    if settings.EMAIL_USE_SSL:
        return "TLS from the first byte"
    return "STARTTLS" if settings.EMAIL_USE_TLS else "none"
