from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError as Invalid
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from core.http.body_limits import FORM_MAX_BYTES, takes_bytes
from core.models import SellerVersion
from core.models.seller import LONGEST_TAX_ID, TAX_IDS_AT_MOST
from core.problems import Problem, ValidationError
from core.validation.countries import country_choices
from web.forms.base import PageForm
from web.forms.fields import Address, Choice, Line, Lines
from web.problem_messages import problem_message
from web.staff.access import SELLER, StaffRequest, staff_with
from web.staff.confirming import for_rights
from workflows.actions.seller import save_seller
from workflows.documents.sample import sample_invoice

FILE_MAX_BYTES = 2_000_000  # a logo has fewer, and what has more is refused in the form
TAX_ROWS = 2  # that are always there


class VersionForm(PageForm):
    """Its fields are columns of SellerVersion, unless the form takes them out of what is saved."""

    def __init__(self, data: Any = None, files: Any = None, *, version: SellerVersion | None) -> None:
        self.version = version or SellerVersion(country="")
        names = [name for name in self.base_fields if hasattr(self.version, name)]
        super().__init__(data, files, initial={name: getattr(self.version, name) for name in names})

    @property
    def values(self) -> dict[str, Any]:
        return self.cleaned_data

    def named(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]


class CompanyForm(VersionForm):
    legal_name = Line(max_length=150, label="Legal name", css="full", help_text="As the register has it.")
    address_line1 = Line(max_length=200, label="Address", css="full")
    address_line2 = Line(required=False, max_length=200, label="Address, second line", css="full")
    postal_code = Line(required=False, max_length=20, label="Postal code")
    city = Line(max_length=100, label="City")
    state = Line(required=False, max_length=100, label="State or region")
    country = Choice(label="Country", choices=lambda: [("", "Choose a country"), *country_choices()])
    registration = Line(
        required=False, max_length=200, label="Register", css="full", help_text="Such as HRB 12345, Amtsgericht Berlin"
    )
    email = Address(required=False, label="E-mail address")
    phone = Line(required=False, max_length=40, label="Phone")
    website = Line(required=False, max_length=200, label="Website", css="full")
    bank_details = Lines(
        required=False,
        max_length=500,
        label="Bank details",
        help_text="At the foot of invoices; ways to pay have their own.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = self.version.tax_ids
        count = min(TAX_IDS_AT_MOST, max(TAX_ROWS, len(rows) + 1))
        for row in range(count):
            for part, label in (("label", "Tax id: what it is"), ("value", "Its number")):
                field = Line(required=False, max_length=LONGEST_TAX_ID, label=label)
                self.fields[f"tax_{part}_{row}"] = field
                self.initial[f"tax_{part}_{row}"] = rows[row][part] if row < len(rows) else ""
        self.fields["tax_label_0"].help_text = "Such as VAT number"
        self.tax_rows = range(count)

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        address = ["address_line1", "address_line2", "postal_code", "city", "state", "country"]
        tax_ids = [f"tax_{part}_{row}" for row in self.tax_rows for part in ("label", "value")]
        return [
            ("Name and address", self.named("legal_name", *address)),
            ("Register and tax", self.named("registration", *tax_ids)),
            ("How you are reached", self.named("email", "phone", "website")),
            ("Where money is sent", self.named("bank_details")),
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["tax_ids"] = []
        for row in self.tax_rows:
            label, value = data.pop(f"tax_label_{row}", ""), data.pop(f"tax_value_{row}", "")
            if bool(label) != bool(value):
                self.add_error(f"tax_label_{row}", "Fill in both, or none.")
            elif label:
                data["tax_ids"].append({"label": label, "value": value})
        return data


class BrandForm(VersionForm):
    brand_name = Line(required=False, max_length=60, label="Name of the brand", help_text="Empty: the legal name.")
    support_url = Line(
        required=False, max_length=200, label="Page for questions", help_text="https://... of your help pages."
    )
    sender_name = Line(required=False, max_length=60, label="Sender of mails", help_text="Empty: the brand.")
    reply_to = Address(required=False, label="Answers to mails go to")
    file = forms.FileField(required=False, label="Logo", help_text="PNG or SVG of at most 200 kB.")
    without_logo = forms.BooleanField(required=False, label="Take the logo away")
    colour = Line(max_length=7, label="Colour", widget=forms.TextInput(attrs={"type": "color"}))
    paper = Choice(label="Paper", choices=SellerVersion.Paper.choices)
    terms = Lines(required=False, max_length=1000, label="Terms", help_text="Under each invoice.")
    footer = Lines(required=False, max_length=500, label="Footer", help_text="On each page of a document.")
    names_signer = forms.BooleanField(
        required=False, label="Receipts name the person who approved", help_text="Otherwise that you did."
    )
    shows_mark = forms.BooleanField(
        required=False, label="A small “Made with Countersign”", help_text="At the foot of documents."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.version.logo is None:
            del self.fields["without_logo"]

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [
            ("Name and colours", self.named("brand_name", "colour", "file", "without_logo")),
            ("Mails and questions", self.named("sender_name", "reply_to", "support_url")),
            ("Documents", self.named("terms", "footer", "paper", "names_signer", "shows_mark")),
        ]

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("file", "without_logo")}

    @property
    def logo(self) -> bytes | None:
        """None: as it is; empty: none."""
        if upload := self.cleaned_data.get("file"):
            return bytes(upload.read())
        return b"" if self.cleaned_data.get("without_logo") else None


@staff_with(*SELLER)
@for_rights
def company_page(request: StaffRequest) -> HttpResponse:
    version = SellerVersion.current()
    form = CompanyForm(request.POST if request.method == "POST" else None, version=version)
    status = _save(request, form) if form.is_valid() else 200
    if status == 302:
        return redirect("settings_company")
    context = {"form": form, "version": version}
    return render(request, "web/staff/settings/company.html", context, status=status)


@takes_bytes(FILE_MAX_BYTES + FORM_MAX_BYTES)
@staff_with(*SELLER)
@for_rights
def brand_page(request: StaffRequest) -> HttpResponse:
    version = SellerVersion.current()
    if version is None:  # a version is whole: without name and address there is none
        return render(request, "web/staff/settings/brand.html", {"version": None})
    form = (
        BrandForm(request.POST, request.FILES, version=version)
        if request.method == "POST"
        else BrandForm(version=version)
    )
    status = _save(request, form, logo=form.logo) if form.is_valid() else 200
    if status == 302:
        return redirect("settings_brand")
    context = {"form": form, "version": version}
    return render(request, "web/staff/settings/brand.html", context, status=status)


@staff_with(*SELLER)
def sample(request: StaffRequest) -> HttpResponse:
    """An invoice with what is saved."""
    version = SellerVersion.current()
    if version is None:
        raise Http404
    try:
        pdf = sample_invoice(version)
    except Problem as problem:
        messages.error(request, problem_message(problem))
        return redirect("settings_company")
    shown = {"Content-Disposition": 'inline; filename="sample.pdf"'}
    return HttpResponse(pdf, content_type="application/pdf", headers=shown)


def _save(request: StaffRequest, form: VersionForm, *, logo: bytes | None = None) -> int:
    """Returns 302 when it is saved, else the status of the page that shows the form again."""
    try:
        version = save_seller(form.values, by=request.user, logo=logo)
    except Invalid as error:
        form.refuse(ValidationError(_by_input(error.message_dict)))
        return 200
    except Problem as problem:
        if errors := problem.members.get("errors"):
            form.refuse(ValidationError(_by_input(errors)))
        else:
            form.refuse(problem)
        return problem.status
    messages.success(request, f"Saved as version {version.number}. Documents that are issued keep theirs.")
    return 302


def _by_input(errors: dict[str, Any]) -> dict[str, Any]:
    names = {"tax_ids": "tax_label_0", "logo": "file"}
    return {names.get(name, name): lines for name, lines in errors.items()}
