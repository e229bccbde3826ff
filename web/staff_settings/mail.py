from __future__ import annotations

from email.utils import parseaddr

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from core.problems import Problem
from core.security import rate_limits
from engine.models import Effect, EffectPause
from engine.pauses import pauses
from engine.registry import kinds
from web.problem_messages import problem_message
from web.staff.access import MAIL, OPERATE, SELLER, StaffRequest, may_see, may_see_any, staff_with
from web.status_labels import EFFECT_TONES
from workflows.mail.brand import Brand, current_brand
from workflows.mail.mail_check import (
    WAITING,
    MailTest,
    failing_mails,
    latest_tests,
    mail_encryption,
    mail_server,
    send_test_mail,
    unreachable_kinds,
    writes_files,
)
from workflows.reporting.first_run import is_own

TESTS, FAILURES = 5, 20
BRAND = "brand"  # that the page of settings says it
MAIL_LANE = kinds["mail.test"].lane


@staff_with(*MAIL)
def mail_page(request: StaffRequest) -> HttpResponse:
    """POST sends a test to who asks."""
    if request.method == "POST":
        try:
            rate_limits.TEST_MAIL.attempt(request, request.user.email)
            send_test_mail(by=request.user)
        except Problem as problem:
            messages.error(request, problem_message(problem))
        else:
            messages.success(request, f"A test to {request.user.email} is on its way.")
        return redirect("settings_mail")
    tests = latest_tests(TESTS)
    brand = current_brand()
    context = {
        "facts": _facts(brand),
        "writes_files": writes_files(),
        "is_example_sender": not is_own(brand.sender),
        "is_example_reply_to": bool(brand.reply_to) and not is_own(brand.reply_to),
        "has_operators": any(map(is_own, settings.OPERATOR_EMAILS)),
        "tests": [(test, *_state(test)) for test in tests],
        "is_waiting": any(test.effect.state in WAITING for test in tests),
        "is_held": settings.ENGINE_PAUSE_EXTERNAL_EFFECTS,
        "pauses": [paused for paused in pauses() if _holds_mail(paused)],
        "unreachable": unreachable_kinds(),
        "failing": [(effect, EFFECT_TONES.get(effect.state, "")) for effect in failing_mails(FAILURES)],
        "may_change_brand": may_see_any(request.user, SELLER),
        "may_operate": may_see(request.user, OPERATE),
    }
    return render(request, "web/staff/settings/mail.html", context)


def _holds_mail(paused: EffectPause) -> bool:
    if paused.scope == EffectPause.Scope.LANE:
        return paused.name == MAIL_LANE
    return paused.scope in (EffectPause.Scope.ALL, EffectPause.Scope.OUTWARD) or paused.name.startswith("mail.")


def _facts(brand: Brand) -> list[tuple[str, str, str]]:
    """(what, value, the variable of the environment that sets it, or BRAND)"""
    name, address = parseaddr(brand.sender)
    return [
        ("Sender", name or "no name", BRAND if "sender" in brand.told_by_seller else "MAIL_FROM"),
        ("Their address", address, "MAIL_FROM"),
        (
            "Answers go to",
            brand.reply_to or "the sender",
            BRAND if "reply_to" in brand.told_by_seller else "MAIL_REPLY_TO",
        ),
        *([("Page for questions", brand.support_url, BRAND)] if brand.support_url else []),
        ("How customers reach you", settings.SUPPORT_CONTACT or "not said", "SUPPORT_CONTACT"),
        ("Warnings go to", ", ".join(settings.OPERATOR_EMAILS) or "nobody", "OPERATOR_EMAILS"),
        ("Server", mail_server(), "EMAIL_URL"),
        *(
            []
            if writes_files()
            else [("Encryption", mail_encryption(), "EMAIL_URL"), ("Log-in", _log_in(), "EMAIL_URL")]
        ),
        ("At most", settings.MAIL_RATE or "no limit", "MAIL_RATE"),
    ]


def _log_in() -> str:
    return "with a password" if settings.EMAIL_HOST_USER else "none"


def _state(test: MailTest) -> tuple[str, str]:
    """In words, and its tone."""
    effect = test.effect
    match effect.state:
        case Effect.State.DONE if (effect.outcome or {}).get("recipients"):
            return "delivered to the server", "good"
        case Effect.State.DONE:
            return "not sent: they are not of the staff any more", "warn"
        case Effect.State.DEAD:
            return "failed", "bad"
        case Effect.State.UNCERTAIN:
            return "sent, and the server did not say whether it took it", "warn"
        case Effect.State.SKIPPED:
            return "skipped by an operator", ""
    return ("failed, and is tried again", "warn") if effect.last_error else ("on its way", "info")
