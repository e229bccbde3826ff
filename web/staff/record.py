from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core.models import Invoice, PaymentMethod
from core.models.payment_method import sound_methods
from core.problems import Problem
from web.staff.access import REVIEW, StaffRequest, staff_with
from web.staff.forms import RecordForm
from workflows.actions import record_payment


@staff_with(REVIEW)
def record(request: StaffRequest, pk: UUID) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    methods = sound_methods(PaymentMethod.objects.offered_in(invoice.account.country))
    form = RecordForm(request.POST if request.method == "POST" else None, invoice=invoice, methods=methods)
    status = 200
    if form.is_valid():
        data = form.cleaned_data
        try:
            payment = record_payment(
                invoice=invoice,
                method=form.methods[data["method"]],
                amount=data["received"],
                currency=invoice.currency,
                reference=data["reference"],
                notes=data["notes"],
                paid_on=data["paid_on"],
                payer_name=data["payer_name"],
                by=request.user,
            )
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            messages.success(request, "Recorded. Somebody else of the staff approves it.")
            return redirect("desk_payment", pk=payment.pk)
    return render(request, "web/staff/record.html", {"invoice": invoice, "form": form}, status=status)
