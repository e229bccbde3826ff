from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from core.models import PaymentMethod
from core.models.payment_method import BANK_LAG_AT_MOST
from core.payees.instructions import DEMO_WARNING, LANGUAGE_CODE, PLACEHOLDERS
from core.validation.countries import country_choices
from web.forms.base import RENDERER
from web.forms.fields import Choice, Line, Lines, Whole
from web.payment_methods import PaymentMethodForm, payee_inputs, typed_keys
from workflows.payees.usual_fields import usual_fields

EVERYWHERE = "Everywhere"
LONGEST_TEXT = 5000
LANGUAGES = dict(settings.LANGUAGES)


class MethodForm(PaymentMethodForm):
    """The admin's form, with a text for each language instead of JSON."""

    default_renderer = RENDERER
    use_required_attribute = False
    instructions = None  # type: ignore[assignment]

    class Meta(PaymentMethodForm.Meta):
        exclude = ("kind", "fields", "code", "instructions")  # type: ignore[assignment]
        labels = PaymentMethodForm.Meta.labels | {
            "is_enabled": "Offered to customers",
            "is_demo": "A demo: customers are told not to pay",
            "position": "Place in the list",
            "tolerance_percent": "Fees of banks: percent",
            "tolerance_max": "Fees of banks: at most",
        }
        help_texts = PaymentMethodForm.Meta.help_texts | {
            "tolerance_percent": "So much may be missing, and the invoice counts as paid.",
            "is_enabled": "Off, it is shown to nobody, at once.",
        }

    field_order = ["name", "country", "currency", "position", "is_enabled", "is_demo"]
    languages: list[str] = []  # those of our pages, and those that the method has
    own_inputs: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        texts = self.instance.instructions if isinstance(self.instance.instructions, dict) else {}
        for code in self.languages:
            self.initial[f"text_{code}"] = texts.get(code, "")
        for name in ("tolerance_percent", "tolerance_max"):
            self.initial[name] = f"{getattr(self.instance, name).normalize():f}"

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"].upper())

    def typed_instructions(self, data: dict[str, Any]) -> Any:
        texts = {code: data.get(f"text_{code}", "") for code in self.languages}
        code, text = data.get("more_code", ""), data.get("more_text", "")
        if bool(code) != bool(text):
            self.add_error("more_code", "Fill in both, or none.")
        elif texts.get(code):
            self.add_error("more_code", "There is a text in this language already.")
        elif code:
            texts[code] = text
        self.instance.instructions = {code: text for code, text in texts.items() if text}
        if not self.instance.instructions:
            self.add_error(f"text_{self.languages[0]}", "Say what the payer has to do, in one language at least.")
        return self.instance.instructions

    def input_of_instructions(self, fault: str) -> str:
        """A fault begins with its language."""
        code = fault.partition(":")[0]
        if f"text_{code}" in self.fields:
            return f"text_{code}"
        return (
            "more_text" if LANGUAGE_CODE.fullmatch(code) and self.cleaned_data.get("more_code") == code else "more_code"
        )

    def _input_of(self, key: str) -> str | None:
        if key != "instructions":
            return super()._input_of(key)
        texts = (f"text_{code}" for code in self.languages)
        return next((name for name in texts if DEMO_WARNING in self.cleaned_data.get(name, "")), None)

    def _update_errors(self, errors: ValidationError) -> None:
        told = getattr(errors, "error_dict", {})
        for error in told.pop("instructions", []):
            for words in error.messages:
                self.add_error(self.input_of_instructions(words), words)
        super()._update_errors(errors)

    @property
    def sections(self) -> Iterator[dict[str, Any]]:
        """Title, help, fields, and those that are seldom needed."""
        method = self.instance
        usual = usual_fields(method.kind, method.country)
        keys = typed_keys(method.kind)
        needed = [key for key in keys if key in usual or self[f"payee_{key}"].value() or self[f"payee_{key}"].errors]
        seldom = [f"payee_{key}" for key in keys if key not in needed]
        for key in needed:
            self.fields[f"payee_{key}"].is_needed = True  # type: ignore[attr-defined]  # usually, so nothing says "optional"
        yield self._section("Where it is offered", ["name", "country", "currency", "position", "is_enabled", "is_demo"])
        yield self._section("What the payer needs", [f"payee_{key}" for key in needed], [*seldom, *self.own_inputs])
        texts = [f"text_{code}" for code in self.languages]
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        yield self._section(
            "In your words", texts, ["more_code", "more_text"],
            help_text=f"Markdown. These are filled in: {known}. A language without a text gets the English one.",
        )  # fmt: skip
        yield self._section(
            "What the payer tells us", ["requires", "reference_pattern", "reference_example", "reference_max"]
        )
        yield self._section("How money arrives", ["bank_lag_days", "tolerance_percent", "tolerance_max"])

    def _section(
        self, title: str, names: list[str], more: list[str] | None = None, help_text: str = ""
    ) -> dict[str, Any]:
        seldom = [self[name] for name in more or []]
        return {
            "title": title,
            "help": help_text,
            "fields": [self[name] for name in names],
            "more": seldom,
            "is_open": any(field.errors or field.value() for field in seldom),
        }


def method_form(method: PaymentMethod, data: Any = None) -> MethodForm:
    """With the inputs of its kind and its languages."""
    inputs: dict[str, Any] = {**payee_inputs(method, Line)}
    own = [name for name in inputs if name.startswith("own_")]
    texts = method.instructions if isinstance(method.instructions, dict) else {}
    languages = list(dict.fromkeys([*LANGUAGES, *texts]))
    for code in languages:
        widget = forms.Textarea(attrs={"rows": 5, "dir": "auto", "lang": code})
        label = LANGUAGES.get(code, code)
        inputs[f"text_{code}"] = Lines(required=False, max_length=LONGEST_TEXT, label=label, widget=widget)
    inputs["more_code"] = Line(
        required=False, max_length=20, label="Another language", help_text="Its code, such as de"
    )
    inputs["more_text"] = Lines(required=False, max_length=LONGEST_TEXT, label="Its text")
    inputs["country"] = Choice(required=False, choices=[("", EVERYWHERE), *country_choices()], label="Offered in")
    inputs["bank_lag_days"] = Whole(
        max_value=BANK_LAG_AT_MOST,
        label="Days that the bank needs",
        help_text="So many days later a customer counts as past due.",
    )
    form: type[MethodForm] = type(
        "MethodFormOfKind", (MethodForm,), {**inputs, "languages": languages, "own_inputs": own}
    )
    return form(data, instance=method)
