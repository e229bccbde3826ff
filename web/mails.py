"""Samples of every kind, and the mail of an effect rendered with today's data."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import translation
from django.views.decorators.clickjacking import xframe_options_sameorigin

from engine.conf import OPERATE_PERMISSION
from engine.models import Effect
from engine.registry import subject_model
from workflows.mail.brand import current_brand
from workflows.mail.rendering import Email, build_email
from workflows.mail.samples import SAMPLES, TO_STAFF
from workflows.mail.sending import build_context, composers

View = Callable[..., HttpResponse]

# Mails contain text of customers: nothing in them runs, loads or submits.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)


def for_staff(*permissions: str) -> Callable[[View], View]:
    """For staff with one of these permissions."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **which: Any) -> HttpResponse:
            if not any(request.user.has_perm(permission) for permission in permissions):
                raise PermissionDenied
            return view(request, **which)

        return admin.site.admin_view(guarded)

    return guard


@for_staff("core.review_payment", OPERATE_PERMISSION)
def all_mails(request: HttpRequest) -> HttpResponse:
    kinds = [
        {
            "name": kind,
            "to_staff": kind in TO_STAFF,
            "samples": [
                {
                    "happened": happened,
                    "pages": [
                        (name, reverse("mail", kwargs={"kind": kind, "number": number, "language": code}))
                        for code, name in settings.LANGUAGES
                        if code == "en" or kind not in TO_STAFF
                    ],
                }
                for number, happened in enumerate(variants)
            ],
        }
        for kind, variants in SAMPLES.items()
    ]
    return _page(request, "Mails", kinds=kinds)


@csp_update({"frame-src": [SELF]})
@for_staff("core.review_payment", OPERATE_PERMISSION)
def one_mail(request: HttpRequest, *, kind: str, number: int, language: str) -> HttpResponse:
    happened, mail = _sample(kind, number, language)
    frame = reverse("mail_html", kwargs={"kind": kind, "number": number, "language": language})
    note = "A sample: nobody is called so, nothing was sent."
    return _page(request, f"{kind}: {happened}", mail=mail, frame=frame, language=language, note=note)


@xframe_options_sameorigin
@for_staff("core.review_payment", OPERATE_PERMISSION)
def one_mail_html(request: HttpRequest, *, kind: str, number: int, language: str) -> HttpResponse:
    return _html(_sample(kind, number, language)[1])


@csp_update({"frame-src": [SELF]})
@for_staff(OPERATE_PERMISSION)
def mail_of_effect(request: HttpRequest, *, pk: UUID) -> HttpResponse:
    """Mails with a secret cannot be rendered again."""
    effect = _effect(pk)
    note = (
        f"Sent {effect.done_at:%Y-%m-%d %H:%M} UTC. Written again just now: what has changed since then differs."
        if effect.done_at
        else "Not sent. This is how it would read now."
    )
    context: dict[str, Any] = {"note": note, "effect": effect}
    try:
        context["mail"], context["language"] = _again(effect)
    except Exception as error:  # any bug of rendering is what the operator looks for
        context["note"] = f"It cannot be written: {type(error).__name__}: {error}"
    else:
        if context["mail"] is None:
            context["note"] = "It would not be sent any more: what it tells of is no longer so."
        context["frame"] = reverse("effect_mail_html", kwargs={"pk": pk})
    return _page(request, f"The mail of {effect.kind}", **context)


@xframe_options_sameorigin
@for_staff(OPERATE_PERMISSION)
def mail_of_effect_html(request: HttpRequest, *, pk: UUID) -> HttpResponse:
    effect = _effect(pk)
    try:
        mail, _ = _again(effect)
    except Exception as error:  # shown by the page around it
        raise Http404 from error
    if mail is None:
        raise Http404
    return _html(mail)


def address_of(effect: Effect) -> str:
    """Empty if it has no mail to show."""
    return reverse("effect_mail", kwargs={"pk": effect.pk}) if effect.kind in composers else ""


urlpatterns = [
    path("", all_mails, name="mails"),
    path("effect/<uuid:pk>/", mail_of_effect, name="effect_mail"),
    path("effect/<uuid:pk>/html/", mail_of_effect_html, name="effect_mail_html"),
    path("<slug:kind>/<int:number>/<slug:language>/", one_mail, name="mail"),
    path("<slug:kind>/<int:number>/<slug:language>/html/", one_mail_html, name="mail_html"),
]


def _sample(kind: str, number: int, language: str) -> tuple[str, Email]:
    variants = list(SAMPLES.get(kind, {}).items())
    if number >= len(variants) or language not in dict(settings.LANGUAGES):
        raise Http404
    happened, make = variants[number]
    with translation.override(language):
        words = make()
    return happened, build_email(kind, words, language=language, brand=current_brand())


def _effect(pk: UUID) -> Effect:
    return get_object_or_404(Effect.objects.select_related("transition"), pk=pk, kind__in=composers)


def _again(effect: Effect) -> tuple[Email | None, str]:
    model = subject_model(effect.machine)
    subject = model._base_manager.filter(pk=effect.object_id).first() if model and effect.object_id else None
    told, language = build_context(subject, effect)
    if told is None:
        return None, language
    return build_email(
        effect.kind.removeprefix("mail."), told.values, language=language, brand=current_brand()
    ), language


def _page(request: HttpRequest, title: str, **context: Any) -> HttpResponse:
    return TemplateResponse(request, "web/mails.html", {**admin.site.each_context(request), "title": title, **context})


def _html(mail: Email) -> HttpResponse:
    return HttpResponse(mail.html, headers={"Content-Security-Policy": CONTENT_POLICY})
