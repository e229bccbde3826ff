from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.models import Seller
from core.problems import Problem
from core.validation.number_templates import NUMBER_TEMPLATES
from web.forms.base import PageForm
from web.forms.fields import Line
from web.staff.access import SELLER, StaffRequest, staff_with
from web.staff.confirming import PREVIEW, for_rights
from workflows.actions.seller import checked_templates, save_number_templates
from workflows.documents.numbers import following_number
from workflows.periods import database_now

LABELS = {"invoice": "Invoices", "credit_note": "Cancellations and credit notes", "receipt": "Receipts"}


class NumbersForm(PageForm):
    """For what is issued from now on; a field for each kind of number."""

    def __init__(self, data: Any = None, *, seller: Seller) -> None:
        super().__init__(data, initial={kind: seller.template_for(kind) for kind in NUMBER_TEMPLATES})
        self._seller = seller
        for kind in NUMBER_TEMPLATES:
            self.fields[kind] = Line(max_length=30, label=LABELS.get(kind, kind), css="full")
            self.fields[kind].widget.attrs |= {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            self.add_errors_of(lambda: checked_templates(self._seller, data))
        return data

    @property
    def following(self) -> list[tuple[str, str]]:
        """The next number of each kind, as typed; none while something is wrong."""
        if self.errors:
            return []
        today = database_now().date()
        templates = self.cleaned_data if self.is_bound else self.initial
        return [
            (LABELS.get(kind, kind), following_number(self._seller, kind, templates[kind], on=today))
            for kind in NUMBER_TEMPLATES
        ]


@staff_with(*SELLER)
@for_rights
def numbers_page(request: StaffRequest) -> HttpResponse:
    form = NumbersForm(request.POST if request.method == "POST" else None, seller=Seller.current())
    status = 200
    if form.is_valid() and PREVIEW not in request.POST:
        try:
            save_number_templates(form.cleaned_data, by=request.user)
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            messages.success(request, "Saved. It counts for what is issued from now on.")
            return redirect("settings_numbers")
    return render(request, "web/staff/settings/numbers.html", {"form": form}, status=status)


@staff_with(*SELLER)
@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """Nothing is changed, so no password is asked for."""
    form = NumbersForm(request.POST, seller=Seller.current())
    return render(request, "web/staff/settings/next_numbers.html", {"form": form})
