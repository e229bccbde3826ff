from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.template import engines
from django.template.defaultfilters import linebreaksbr
from django.utils import translation
from jinja2 import Environment, StrictUndefined, select_autoescape

from workflows.mail import urls
from workflows.mail.brand import Brand, unnamed
from workflows.mail.formatting import ContactTexts
from workflows.mail.html_to_text import html_to_text

SUBJECT_LENGTH = 78  # characters
PREHEADER = re.compile(r'<div class="preheader"[^>]*>(.*?)</div>', re.DOTALL)


@dataclass(frozen=True)
class Email:
    """html and text say the same."""

    kind: str
    language: str
    subject: str
    text: str
    html: str
    brand: Brand = field(default_factory=unnamed)

    @property
    def preheader(self) -> str:
        found = PREHEADER.search(self.html)
        with translation.override(self.language):
            return one_line(html_to_text(found[1])) if found else ""


def build_email(kind: str, values: dict[str, Any], *, language: str = "en", brand: Brand | None = None) -> Email:
    """From templates/<kind>-subject.txt and -body.html. brand: None: the company is not named."""
    with translation.override(language):
        values = {**_in_every_mail(language, brand or unnamed()), **values}
        subject = one_line(_render(f"{kind}-subject.txt", values))
        if len(subject) > SUBJECT_LENGTH:
            subject = subject[: SUBJECT_LENGTH - 1] + "…"
        html = _render(f"{kind}-body.html", {**values, "subject": subject})
        return Email(kind, language, subject, html_to_text(html) + "\n", html, brand or unnamed())


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def environment(**options: Any) -> Environment:
    """A missing value is an error."""
    options |= {"autoescape": select_autoescape(["html"]), "undefined": StrictUndefined}
    jinja = Environment(  # noqa: S701 - by the name: subjects are plain text
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, **options
    )
    jinja.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        translation.gettext, translation.ngettext, newstyle=True, pgettext=translation.pgettext
    )
    jinja.filters["linebreaksbr"] = linebreaksbr
    return jinja


def _render(template: str, values: dict[str, Any]) -> str:
    return engines["mail"].get_template(template).render(values)


def _in_every_mail(language: str, brand: Brand) -> dict[str, Any]:
    return {
        "language": language,
        "is_rtl": translation.get_language_bidi(),
        "home": urls.home(),
        "sender": brand.name,
        "mark": brand.shows_mark,
        "support": ContactTexts(brand.contacts),
        "name": "",
        "link": "",
        "is_bare": False,
    }
