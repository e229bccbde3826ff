from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.models.billing_details import public_email
from core.money import money_text
from core.validation.amounts import OtherCurrencyError, TooManyDigitsError, is_as_written, readings
from core.validation.proof_links import plain_https
from core.validation.text import composed, has_visible_character, is_lines, is_single_line


class _Text(forms.CharField):
    """Text in NFC. Text that draws nothing is empty, like white space."""

    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.css = css

    def to_python(self, value: Any) -> Any:
        text = super().to_python(self.normalised(value) if isinstance(value, str) else value)
        return text if not self.strip or has_visible_character(text or "") else self.empty_value

    def normalised(self, text: str) -> str:
        return composed(text)


class Line(_Text):
    """One line of text, without control characters."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if isinstance(text, str) and not is_single_line(text):
            raise ValidationError(_("Write it on a single line."))
        return text


class Lines(_Text):
    widget = forms.Textarea(attrs={"rows": 3})

    def __init__(self, *, css: str = "full", **kwargs: Any) -> None:
        super().__init__(css=css, **kwargs)

    def normalised(self, text: str) -> str:
        return super().normalised(text.replace("\r\n", "\n"))

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if isinstance(text, str) and not is_lines(text):
            raise ValidationError(_("It contains characters that are no text."))
        return text


class Password(Line):
    """Kept as typed; `User` normalises passwords."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 128, "strip": False, **kwargs})

    def normalised(self, text: str) -> str:
        return text


class Address(Line):
    """An e-mail address at a public domain."""

    widget = forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "email"})
    default_validators = [public_email]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})


class AmountInput(forms.TextInput):
    """Offers a choice of readings if the text is ambiguous."""

    template_name = "web/forms/amount.html"
    choices: list[tuple[str, str]] = []

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "dir": "ltr", "autocomplete": "off", **(attrs or {})})
        self.chosen = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        self.chosen = data.get(_choice_of(name)) or ""
        return super().value_from_datadict(data, files, name)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "choice": _choice_of(name), "choices": self.choices}


class Amount(Line):
    """Money above zero in digits of `currency`, which the form sets. What can mean two amounts is asked back.

    `shown`: what the form itself wrote there; nothing is asked about it. With `confirms` also a single reading is asked
    back if it is not written as on our pages. With `is_free` it may be zero.
    """

    widget = AmountInput
    currency = "USD"
    shown = ""
    confirms = False
    is_free = False

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            amounts = readings(text, self.currency)
        except TooManyDigitsError as error:
            words = _("%(currency)s has fewer digits after the point.")
            raise ValidationError(words % {"currency": self.currency}) from error
        except OtherCurrencyError as error:
            words = _("The amount is in %(currency)s: write it in that currency.")
            raise ValidationError(words % {"currency": self.currency}) from error
        if not amounts:
            raise ValidationError(_("Write the amount in digits, such as 89.00."))
        written = {money_text(amount, self.currency) if self.currency else f"{amount:f}": amount for amount in amounts}
        widget: Any = self.widget
        if text == self.shown and text in written:
            amount = written[text]
        elif widget.chosen in written:
            amount = written[widget.chosen]
        elif len(amounts) == 1 and (is_as_written(text) or not self.confirms):
            amount = amounts[0]
        else:
            widget.choices = [(key, f"{each:,f} {self.currency}") for key, each in written.items()]
            meant = {"readings": " / ".join(words for _key, words in widget.choices)}
            if len(amounts) == 1:
                raise ValidationError(_("We read this as %(readings)s. Choose it if that is right.") % meant)
            raise ValidationError(_("This can mean two amounts: %(readings)s. Choose the one that you mean.") % meant)
        if amount < 0 or (amount == 0 and not self.is_free):
            raise ValidationError(_("The amount must be above zero."))
        return amount


class Steps(forms.CharField):
    """Days relative to the due date, separated by commas."""

    WHOLE = re.compile(r"[+-]?[0-9]{1,6}", re.ASCII)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        typed = (super().to_python(value) or "").strip().removeprefix("[").removesuffix("]").replace("\u2212", "-")
        words = [word.strip() for word in typed.split(",")] if typed.strip() else []
        if not all(self.WHOLE.fullmatch(word) for word in words):
            raise ValidationError("Write whole numbers of days with commas between them, such as -7, 0, 3.")
        return [int(word) for word in words]

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class Day(forms.DateField):
    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(**{"widget": widget, "input_formats": ["%Y-%m-%d"], **kwargs})
        self.css = css


class ProofLink(Line):
    """A link that staff open; stored and counted in ASCII, as browsers send it."""

    widget = forms.URLInput(attrs={"dir": "ltr", "placeholder": "https://"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text or not is_single_line(text):
            return text
        try:
            return plain_https(text)
        except ValueError as error:
            raise ValidationError(_("Give an address that begins with https://, without user name or port.")) from error

    def normalised(self, text: str) -> str:
        return text  # a file with a decomposed name has only that URL


class Whole(forms.IntegerField):
    """A whole number, without the arrows of a browser, which the wheel of a mouse turns."""

    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr", "autocomplete": "off"})
        super().__init__(**{"widget": widget, "min_value": 0, **kwargs})
        self.css = css


class Choice(forms.ChoiceField):
    def __init__(self, *, css: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.css = css


def _choice_of(name: str) -> str:
    return f"{name}_meant"
