from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import PaymentMethod
from core.models.payment_method import sound_methods
from core.time_zones import canonical_time_zone
from web.catalogue import Catalogue
from web.forms.billing import BillingFields
from web.forms.fields import Address, Choice, Line
from web.forms.passwords import password_field
from workflows.actions.sign_up import check_sign_up


class SignUpForm(BillingFields):
    interval = Choice(required=False)
    currency = Choice(label=_("Currency"), required=False)
    plan = Choice(label=_("Plan"), error_messages={"required": _("Choose a plan.")})
    email = Address(label=_("E-mail address"), css="full")
    password = password_field(_("Password"), is_new=True)
    account_name = Line(label=_("Name of your company or project"), max_length=150, css="full")
    payment_method = Choice(label=_("How will you pay?"), required=False)
    time_zone = forms.CharField(widget=forms.HiddenInput, required=False)  # filled in by static/web/zone.js

    field_order = ["interval", "currency", "plan", "email", "password", "account_name"]

    def __init__(self, *args: Any, catalogue: Catalogue, **kwargs: Any) -> None:
        self.catalogue = catalogue
        super().__init__(*args, **kwargs)
        self._offer("interval", [(code, code) for code in catalogue.intervals])
        self._offer("currency", [(code, code) for code in catalogue.currencies])
        self._offer("plan", [(card.plan.code, card.plan.name) for card in catalogue.cards])
        self.methods = [
            method
            for method in sound_methods(PaymentMethod.objects.offered_in(self.chosen_country))
            if method.currency in ("", catalogue.currency)
        ]
        self._offer("payment_method", [(method.code, method.name) for method in self.methods])
        self.fields["email"].widget.attrs["autocomplete"] = "username"
        self.fields["account_name"].widget.attrs["autocomplete"] = "organization"
        self.fields["country"].widget.attrs["class"] = "decides"  # changing it redraws the page
        self.need_for_billing()

    def clean_time_zone(self) -> str:
        """The browser fills it in; for an unknown name the country decides."""
        return canonical_time_zone(self.cleaned_data["time_zone"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        is_free = self.catalogue.is_free(data.get("plan", ""))
        if is_free:
            self._forget_billing()
        self.add_errors_of(
            partial(
                check_sign_up,
                email=data.get("email", ""),
                password=data.get("password"),
                account_name=data.get("account_name", ""),
                billing=self.billing(),
                is_paid=not is_free,
            )
        )
        if not is_free and not data.get("payment_method") and "payment_method" not in self.errors:
            self.add_error("payment_method", _("Choose how you will pay. You can still change it later."))
        return data

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def _forget_billing(self) -> None:
        """A trial is not billed."""
        for name in [*self.COMPLETE, "payment_method"]:
            self.cleaned_data[name] = ""
            self.errors.pop(name, None)
