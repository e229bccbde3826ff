"""Words that are tried first (ASVS 6.1.2 and 6.2.11)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# docs/asvs.md has the list.
OUR_WORDS = (
    "countersign",
    "subscription",
    "statement",
    "password",
    "approver",
    "reviewer",
    "operator",
    "billing",
    "invoice",
    "payment",
    "account",
    "credits",
    "admin",
)
REST_MIN = 6  # characters that must be left without our words


class OurWordsValidator:
    """Refuses `countersign-2026`, and takes `a payment horse of correct length`."""

    def validate(self, password: str, user: Any = None) -> None:
        whole = rest = password.casefold()
        for word in (*own_names(), *OUR_WORDS):
            rest = rest.replace(word, "")
        if rest != whole and len(rest) < REST_MIN:
            raise ValidationError(
                _("This password is made of words that are on our pages, which is easy to guess."), code="our_words"
            )

    def get_help_text(self) -> str:
        return "Your password must not be made of words that are on our pages."


def own_names() -> list[str]:
    """Parts of the host in PUBLIC_URL."""
    host = settings.PUBLIC_URL.partition("://")[2].partition("/")[0].partition(":")[0].casefold()
    return [part for part in host.split(".")[:-1] if len(part) >= 4]
