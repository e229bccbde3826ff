"""Whether mail works: a person of the staff sends one to themselves, the way all others go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
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

    @property
    def is_delivered(self) -> bool:
        """Taken by the server that is configured now."""
        return (
            self.effect.state == Effect.State.DONE
            and bool((self.effect.outcome or {}).get("recipients"))
            and self.effect.payload.get("server") == mail_server()
        )


def latest_tests(most: int, *, of: User | None = None) -> list[MailTest]:
    """The newest first; effects that were purged are left out."""
    staff = User.objects.filter(is_staff=True)
    people = {person.pk: person for person in ([of] if of else staff)}
    asked = SecurityEvent.objects.filter(name=ASKED, person__in=list(people)).order_by("-id")[:most]
    by_effect = {UUID(event.facts["effect"]): people[event.person] for event in asked if event.person}
    effects = Effect.objects.filter(pk__in=by_effect)
    return [MailTest(by_effect[effect.pk], effect) for effect in effects.order_by("-id")]


def mail_works() -> bool:
    """A test reached the server that is configured now."""
    return not writes_files() and any(test.is_delivered for test in latest_tests(20))


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
