"""Fields that take what people type and give what the rules below expect."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.billing_details import public_email
from core.money import CEILING, minor_units
from core.proof_links import is_plain_https
from core.text import is_single_line

PLAIN_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,4})?", re.ASCII)
# Arabic and Persian digits and separators, for those who type them.
ASCII_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬", "01234567890123456789.,")  # noqa: RUF001 - meant


class Line(forms.CharField):
    """One line of text, in NFC, without control characters."""

    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.css = css

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if isinstance(text, str):
            text = unicodedata.normalize("NFC", text)
            if not is_single_line(text):
                raise ValidationError(_("Write it on a single line."))
        return text


class Lines(forms.CharField):
    """A text of several lines."""

    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, *, css: str = "full", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.css = css

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if isinstance(text, str):
            text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
            if not is_single_line(text.replace("\n", "").replace("\t", "")):
                raise ValidationError(_("It contains characters that are no text."))
        return text


class Address(Line):
    """An e-mail address that can be reached from outside."""

    widget = forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "email"})
    default_validators = [public_email]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})


class Amount(Line):
    """Money above zero in digits of `currency`, which the form sets; with or without its thousands apart."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "dir": "ltr", "autocomplete": "off"})
    currency = "USD"

    def clean(self, value: Any) -> Any:
        text = super().clean(value).translate(ASCII_DIGITS)
        if not text:
            return None
        if not PLAIN_AMOUNT.fullmatch(text) and not GROUPED.fullmatch(text):
            raise ValidationError(_("Write the amount in digits, such as 89.00."))
        amount = Decimal(text.replace(",", ""))
        if not 0 < amount < CEILING:
            raise ValidationError(_("The amount must be above zero."))
        if amount != amount.quantize(Decimal(1).scaleb(-minor_units(self.currency))):
            raise ValidationError(_("%(currency)s has fewer digits after the point.") % {"currency": self.currency})
        return amount


class Day(forms.DateField):
    """A day of the calendar, as browsers send it."""

    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(**{"widget": widget, "input_formats": ["%Y-%m-%d"], **kwargs})
        self.css = css


class ProofLink(Line):
    widget = forms.URLInput(attrs={"dir": "ltr", "placeholder": "https://"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not is_plain_https(text):
            raise ValidationError(_("Give an address that begins with https://, without user name or port."))
        return text


class Choice(forms.ChoiceField):
    """One of several, named by its code."""

    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.css = css
