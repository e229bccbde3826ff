from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.models.account import BILLING_FIELDS
from core.models.billing_details import MAX_LENGTHS, NEEDED_TO_BILL
from core.validation.countries import country_choices
from core.validation.postal_codes import postal_code_example, postal_code_label
from core.validation.tax_ids import tax_id_example, tax_id_label
from web.forms.base import PageForm
from web.forms.fields import Address, Choice, Line

REGIONS = {
    "US": _("State"), "AU": _("State"), "IN": _("State"), "NG": _("State"), "BR": _("State"), "MX": _("State"),
    "CA": _("Province"), "PK": _("Province"), "CN": _("Province"), "ZA": _("Province"),
    "AE": _("Emirate"), "BD": _("Division"), "KE": _("County"), "GB": _("County"), "IE": _("County"),
    "JP": _("Prefecture"), "CH": _("Canton"),
}  # fmt: skip


class BillingFields(PageForm):
    """Labels and hints follow the chosen country."""

    country = Choice(label=_("Country"), required=False, css="full")
    billing_email = Address(label=_("E-mail for invoices"), required=False, css="full")
    address_line1 = Line(label=_("Address"), required=False, css="full")
    address_line2 = Line(label=_("Address, second line"), required=False, css="full")
    city = Line(label=_("City"), required=False)
    state = Line(required=False)
    postal_code = Line(required=False)
    tax_id = Line(required=False, css="full")

    COMPLETE = {
        "country": "billing country",
        "billing_email": "billing email",
        "address_line1": "billing address-line1",
        "address_line2": "billing address-line2",
        "city": "billing address-level2",
        "state": "billing address-level1",
        "postal_code": "billing postal-code",
        "tax_id": "off",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["country"]
        choice.choices = [("", gettext("Choose a country")), *country_choices()]
        for name, hint in self.COMPLETE.items():
            self.fields[name].widget.attrs["autocomplete"] = hint
            self.fields[name].max_length = MAX_LENGTHS[name]  # type: ignore[attr-defined] # checked by billing_errors()
        for name in ("address_line1", "address_line2", "city", "state"):  # any script
            self.fields[name].widget.attrs["dir"] = "auto"
        for name in ("postal_code", "tax_id"):
            self.fields[name].widget.attrs["dir"] = "ltr"
        self._name_for(self.chosen_country)

    @property
    def chosen_country(self) -> str:
        """Also before the form is validated."""
        given = self["country"].value() or ""
        return given if given in dict(country_choices()) else ""

    def billing(self) -> dict[str, str]:
        return {name: self.cleaned_data.get(name, "") for name in BILLING_FIELDS}

    def need_for_billing(self) -> None:
        for name in NEEDED_TO_BILL:
            self.fields[name].widget.attrs["aria-required"] = "true"
            self.fields[name].is_needed = True  # type: ignore[attr-defined]

    def _name_for(self, country: str) -> None:
        self.fields["state"].label = str(REGIONS.get(country, _("State or region")))
        self.fields["postal_code"].label = postal_code_label(country)
        self.fields["postal_code"].help_text = _like(postal_code_example(country))
        self.fields["tax_id"].label = tax_id_label(country)
        self.fields["tax_id"].help_text = " ".join(
            [gettext("It is printed on your invoices."), _like(tax_id_example(country))]
        ).strip()


def _like(example: str) -> str:
    return gettext("For example %(example)s") % {"example": example} if example else ""


def snapshot_lines(snapshot: Mapping[str, str]) -> list[str]:
    from_city = " ".join(filter(None, [snapshot.get("postal_code", ""), snapshot.get("city", "")]))
    country = dict(country_choices()).get(snapshot.get("country", ""), "")
    lines = [
        snapshot.get("address_line1", ""),
        snapshot.get("address_line2", ""),
        ", ".join(filter(None, [from_city, snapshot.get("state", "")])),
        country,
    ]
    return [line for line in lines if line]
