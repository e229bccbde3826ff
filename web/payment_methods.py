from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core.models import PayeeVersion, PaymentMethod, User
from core.models.payee_version import same_payee
from core.payees.account_numbers import PIX_KEYS
from core.payees.fields import PIX, PayeeField, fields_of, payee_lines, payee_name, payee_warnings
from core.payees.qr_codes import code_problem, epc_name, has_code
from web.payee_changes import PayeeChanges
from web.settings_admin import Json, StableCode
from workflows.actions.payment_methods import (
    add_method,
    example_errors,
    keep_payee,
    save_method,
    warn_of_missing_ways,
)
from workflows.payees.changes import is_shown
from workflows.payees.missing_methods import places_without_method

SPARE_ROWS = 2
WAITS = (
    "{}: invoices show its payee, so the change of payee, instructions or tolerance waits. It comes into force when "
    "somebody else has confirmed it, after {} hours at the earliest; where nobody else may, after {} hours."
)
PLACE = {
    "country": "ISO 3166-1, such as PK; none: offered everywhere.",
    "currency": "ISO 4217, such as PKR; none: any.",
}


class NewPaymentMethodForm(forms.ModelForm):
    """The first step: the kind decides which fields the second one has."""

    class Meta:
        model = PaymentMethod
        fields = ("name", "code", "kind", "country", "currency")
        help_texts = PLACE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.is_enabled = False  # until it is complete


class PaymentMethodForm(forms.ModelForm):
    requires = forms.MultipleChoiceField(
        label="A claim needs",
        required=False,
        choices=[(name, name.replace("_", " ")) for name in PaymentMethod.CLAIM_FIELDS],
        widget=forms.CheckboxSelectMultiple,
    )

    instructions = Json(widget=AdminTextareaWidget)

    class Meta:
        model = PaymentMethod
        exclude = ("kind", "fields")  # noqa: DJ006 - all others, whatever will be added
        labels = {"reference_pattern": "Pattern", "reference_example": "Example", "reference_max": "Longest text"}
        help_texts = PLACE | {
            "reference_pattern": "How the transaction id looks that the payer's bank shows: # a digit, @ a letter, "
            "* either, {12} or {8,14} behind one of these repeats it, | between alternatives: R-#{4,8}. "
            "Others are taken too, and marked for reviewers.",
            "reference_max": "How many characters of our reference the bank carries to us.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.instance.fields
        for key in typed_keys(self.instance.kind):
            self.initial[f"payee_{key}"] = fields.get(key, "")
        for row, (key, value) in enumerate(own_fields(self.instance)):
            self.initial.update({f"own_key_{row}": key, f"own_value_{row}": value})
        for key, words in (_spelling(self.instance) | warnings_of(self.instance)).items():
            if f"payee_{key}" in self.fields:
                self.fields[f"payee_{key}"].help_text = words

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        fields = {key: data.get(f"payee_{key}", "") for key in typed_keys(self.instance.kind)}
        for row in range(own_rows(self.instance)):
            key, value = data.get(f"own_key_{row}", ""), data.get(f"own_value_{row}", "")
            if bool(key) != bool(value):
                self.add_error(f"own_key_{row}", "Fill in both, or none.")
            elif key in fields:
                self.add_error(f"own_key_{row}", "There is a field of that name already.")
            elif key:
                fields[key] = value
        self.instance.fields = fields
        typed = copy(self.instance)
        typed.is_enabled, typed.is_demo = bool(data.get("is_enabled")), bool(data.get("is_demo"))
        typed.instructions = self.typed_instructions(data)
        for key, words in example_errors(typed).items():
            self.add_error(self._input_of(key), words)
        return data

    def typed_instructions(self, data: dict[str, Any]) -> Any:
        return data.get("instructions")

    def _post_clean(self) -> None:
        """While a change of payee waits, the old payee is in force and the other fields must fit it."""
        super()._post_clean()  # type: ignore[misc]
        held = PaymentMethod.objects.filter(pk=self.instance.pk).first()
        if self.errors or held is None or same_payee(held, self.instance) or not is_shown(held):
            return
        if PayeeVersion.objects.waiting().filter(method=held).exists():
            self.add_error(None, "A change of the payee waits already: withdraw it first.")
            return
        stays = copy(self.instance)
        keep_payee(stays, held)
        try:
            stays.full_clean()
        except ValidationError as error:
            self.add_error(
                None, ["The payee that stays in force until this is confirmed does not fit:", *error.messages]
            )
        if example_errors(stays):
            self.add_error("is_demo", "The catalogue's example is in force until this is confirmed: leave it a demo.")

    def _update_errors(self, errors: ValidationError) -> None:
        """Shows the model's errors about a payee field beside its input."""
        told = getattr(errors, "error_dict", {})
        for error in told.pop("fields", []):
            self.add_error(self._input_of(error.code), ValidationError(error.messages))
        if told or not hasattr(errors, "error_dict"):
            super()._update_errors(errors)  # type: ignore[misc]

    def _input_of(self, key: str) -> str | None:
        if key == "instructions":  # no key of a payee
            return key
        if f"payee_{key}" in self.fields:
            return f"payee_{key}"
        rows = (row for row in range(own_rows(self.instance)) if self.cleaned_data.get(f"own_key_{row}") == key)
        return next((f"own_value_{row}" for row in rows), None)


def payee_form(method: PaymentMethod) -> type[PaymentMethodForm]:
    """The form has as many spare rows as the method needs."""
    return type(
        "PayeeForm", (PaymentMethodForm,), payee_inputs(method, partial(forms.CharField, widget=AdminTextInputWidget))
    )


def payee_inputs(method: PaymentMethod, text: Callable[..., forms.Field]) -> dict[str, forms.Field]:
    """text: makes the field of one line."""
    inputs = {f"payee_{field.key}": _input(field, text) for field in fields_of(method.kind)}
    for row in range(own_rows(method)):
        inputs[f"own_key_{row}"] = forms.CharField(label="Another field", required=False, max_length=30)
        inputs[f"own_value_{row}"] = forms.CharField(label="its text", required=False, max_length=200)
    return inputs


class CountryFilter(admin.SimpleListFilter):
    """By country, with an own link for methods without one, which are offered everywhere."""

    title = parameter_name = "country"
    EVERYWHERE = "-"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = PaymentMethod.objects.order_by("country").values_list("country", flat=True).distinct()
        return [(code, code) if code else (self.EVERYWHERE, "everywhere") for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PaymentMethod]) -> QuerySet[PaymentMethod]:
        code = self.value()
        return queryset.filter(country="" if code == self.EVERYWHERE else code) if code else queryset


@admin.register(PaymentMethod)
class PaymentMethodAdmin(PayeeChanges, StableCode):
    """Created in two steps, like users: first the kind, which never changes, then its fields."""

    list_display = (
        "name", "code", "kind", "country", "currency", "is_enabled", "is_demo", "qr_code", "payee", "position",
    )  # fmt: skip
    list_filter = ("kind", CountryFilter, "is_enabled")
    search_fields = ("name", "code")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = NewPaymentMethodForm if obj is None else payee_form(obj)
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            words = "Save to go on with what this kind of method needs."
            return [(None, {"fields": NewPaymentMethodForm.Meta.fields, "description": words})]
        own = [(f"own_key_{row}", f"own_value_{row}") for row in range(own_rows(obj))]
        return [
            (None, {"fields": ("name", "code", "kind", ("country", "currency"), "position", "is_enabled", "is_demo")}),
            ("What the payer needs", {"fields": [*(f"payee_{key}" for key in typed_keys(obj.kind)), *own]}),
            (
                "What the payer tells us",
                {"fields": ("requires", "reference_pattern", "reference_example", "reference_max")},
            ),
            ("Instructions", {"fields": ("instructions",)}),
            ("How money arrives", {"fields": ("bank_lag_days", ("tolerance_percent", "tolerance_max"))}),
        ]

    @admin.display(description="QR code")
    def qr_code(self, method: PaymentMethod) -> str:
        reason = code_problem(method)
        return f"no: {reason}" if reason else "yes" if has_code(method) else "-"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(("kind",) if obj is not None else ()))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The form changes the object in place."""
        method = super().get_object(request, object_id, from_field)
        if method is not None:
            method.was = copy(method)
        return method

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            add_method(obj, by=cast("User", request.user))
            return
        typed = copy(obj)
        version = save_method(obj, by=cast("User", request.user))
        if version is not None and version.is_waiting:
            messages.warning(request, WAITS.format(obj.name, version.wait_hours, version.alone_hours))
        for words in warnings_of(typed).values():
            messages.warning(request, f"{obj.name}: {words}")
        self._warn(request, places_without_method([obj.was]))

    def delete_model(self, request: HttpRequest, obj: PaymentMethod) -> None:
        before = copy(obj)
        super().delete_model(request, obj)
        self._warn(request, warn_of_missing_ways([before]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PaymentMethod]) -> None:
        before = list(queryset)
        super().delete_queryset(request, queryset)
        self._warn(request, warn_of_missing_ways(before))

    def _warn(self, request: HttpRequest, places: Iterable[str]) -> None:
        if words := missing_ways_text(places):
            self.message_user(request, words, messages.WARNING)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if "_addanother" not in request.POST:
            posted = request.POST.copy()
            posted["_continue"] = "1"
            request.POST = posted  # type: ignore[assignment]
        return super().response_add(request, obj, post_url_continue)


def missing_ways_text(places: Iterable[str]) -> str:
    """Empty if somebody can pay everywhere."""
    where = "; ".join(places)
    return f"No payment method is left {where}: nobody can pay there. Operators are told." if where else ""


def warnings_of(method: PaymentMethod) -> dict[str, str]:
    """About values that are accepted, by payee field."""
    found = payee_warnings(method.fields)
    reason = code_problem(method) if method.fields else None
    if reason is not None:
        found[reason.key] = f"No QR code is shown to payers. {reason}"
    return found


def _spelling(method: PaymentMethod) -> dict[str, str]:
    """The payee's name, where the QR code spells it differently."""
    if not has_code(method) or "latin_name" not in typed_keys(method.kind):
        return {}
    name = epc_name(method.fields)
    if name == payee_name(method.fields):
        return {}
    return {"latin_name": f'The QR code names the payee "{name}". Change it here if your bank spells it otherwise.'}


def typed_keys(kind: str) -> list[str]:
    return [field.key for field in fields_of(kind)]


def own_fields(method: PaymentMethod) -> list[tuple[str, str]]:
    typed = typed_keys(method.kind)
    return [(line.key, line.value) for line in payee_lines(method.kind, method.fields) if line.key not in typed]


def own_rows(method: PaymentMethod) -> int:
    return len(own_fields(method)) + SPARE_ROWS


def _input(field: PayeeField, text: Callable[..., forms.Field]) -> forms.Field:
    if (field.key, field.kind) == ("key_type", PIX):
        return forms.ChoiceField(label=field.label, required=False, choices=[(word, word) for word in ("", *PIX_KEYS)])
    return text(label=field.label, required=False, max_length=256)
