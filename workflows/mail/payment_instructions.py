"""Operators' Markdown with customers' values: they are put into parsed tokens, HTML is off, only safe links pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from urllib.parse import quote, urlsplit

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info, override
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.models import Invoice, PaymentMethod
from core.models.payment_method import sound_methods
from core.payees.instructions import DEMO_WARNING, PLACEHOLDERS, asks_for_creditor_reference
from core.payees.references import as_creditor_reference
from workflows.mail.formatting import BidiText, CustomerText, NoWrap, amount_text, date_text
from workflows.mail.html_to_text import html_to_text
from workflows.payees.changes import as_issued

PLACEHOLDER = re.compile(r"\{{({})\}}".format("|".join(PLACEHOLDERS)))
IN_ADDRESS = re.compile(r"%7B({})%7D".format("|".join(PLACEHOLDERS)))  # what the parser makes of braces in a link
SCHEMES = {"http", "https", "mailto"}


@dataclass(frozen=True)
class Instructions:
    """source: Markdown in `language`, which need not be the one asked for. values: by the names of PLACEHOLDERS."""

    language: str
    source: str
    is_demo: bool
    values: dict[str, BidiText]

    @property
    def direction(self) -> str:
        return _direction(self.language)

    @cached_property
    def html(self) -> SafeString:
        source = "\n".join(line for line in self.source.splitlines() if line.strip() != DEMO_WARNING)
        tokens = MARKDOWN.parse(source)
        _fill_in(tokens, self.values)
        html: str = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
        if self.is_demo:
            html = f'<p class="warning"><strong>{DEMO_WARNING}</strong></p>\n{html}'
        return mark_safe(html)  # noqa: S308 - the renderer escapes

    @property
    def text(self) -> str:
        with override(self.language):
            return html_to_text(self.html)


def ways_to_pay(invoice: Invoice) -> list[PaymentMethod]:
    """The invoice's own method, the country's, the global ones; payees as the invoice was issued."""
    offered = list(PaymentMethod.objects.offered_in(invoice.billing_country))
    chosen = invoice.payment_method
    if chosen is not None and chosen.is_enabled:
        offered = [chosen, *(method for method in offered if method.pk != chosen.pk)]
    fitting = [method for method in offered if method.currency in ("", invoice.currency)]
    return sound_methods(as_issued(fitting, invoice))


def reference_for(invoice: Invoice, method: PaymentMethod) -> str:
    """What the payer writes into the bank's form: short enough for every rail we know (M-Pesa: 12)."""
    if asks_for_creditor_reference(method.instructions):
        return as_creditor_reference(invoice.payment_reference)
    return invoice.payment_reference


def instructions_for(method: PaymentMethod, invoice: Invoice, language: str) -> Instructions:
    """In that language, else in a variety of it, in English, in any; empty if there are none."""
    code, source = _in_language(method.instructions, language)
    return Instructions(code, source, method.is_demo, _values(invoice, method, code))


def preview_of(method: PaymentMethod, amount: Decimal, currency: str, language: str) -> Instructions:
    """Placeholders that need an invoice become words."""
    code, source = _in_language(method.instructions, language)
    with override(code):
        values = {
            "amount": NoWrap(amount_text(amount, currency)),
            "currency": NoWrap(currency),
            "reference": BidiText(_("the payment reference of your invoice")),
            "rf_reference": BidiText(_("the payment reference of your invoice")),
            "due_date": BidiText(_("the due date")),
            "account_name": BidiText(_("the name of your account")),
        }
    return Instructions(code, source, method.is_demo, values)


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        try:
            return urlsplit(url).scheme in SCHEMES
        except ValueError:
            return False


MARKDOWN = _Markdown("commonmark", {"html": False}).disable("image")


def _in_language(instructions: dict[str, str], language: str) -> tuple[str, str]:
    base = language.partition("-")[0]
    for code in (language, base, *(code for code in instructions if code.startswith(f"{base}-")), "en", *instructions):
        if instructions.get(code):
            return code, instructions[code]
    return language, ""


def _values(invoice: Invoice, method: PaymentMethod, language: str) -> dict[str, BidiText]:
    with override(language):
        return {
            "amount": NoWrap(amount_text(invoice.outstanding, invoice.currency)),
            "currency": NoWrap(invoice.currency),
            "reference": NoWrap(reference_for(invoice, method)),
            "rf_reference": NoWrap(as_creditor_reference(invoice.payment_reference)),
            "due_date": NoWrap(date_text(invoice.due_on) if invoice.due_on else ""),
            "account_name": CustomerText(invoice.account.name),
        }


def _fill_in(tokens: Sequence[Token], values: dict[str, BidiText]) -> None:
    for token in tokens:
        if token.type in ("fence", "code_block"):
            token.content = PLACEHOLDER.sub(lambda match: values[match[1]], token.content)
        if token.children is not None:
            token.children = [filled for child in token.children for filled in _filled(child, values)]


def _filled(token: Token, values: dict[str, BidiText]) -> Iterator[Token]:
    """In running text each value becomes a token of its own."""
    if token.type == "link_open":
        href = IN_ADDRESS.sub(lambda match: quote(values[match[1]], safe=""), str(token.attrs["href"]))
        token.attrs = {"href": href, "rel": "noopener noreferrer"}
    elif token.type == "code_inline":
        token.content = PLACEHOLDER.sub(lambda match: values[match[1]], token.content)
    if token.type != "text":
        yield token
        return
    for position, part in enumerate(PLACEHOLDER.split(token.content)):  # text, name, text, name, text
        if position % 2:
            yield Token("html_inline", "", 0, content=values[part].__html__())
        elif part:
            yield Token("text", "", 0, content=part)


def _direction(language: str) -> str:
    try:
        return "rtl" if get_language_info(language.lower())["bidi"] else "ltr"
    except KeyError:
        return "ltr"
