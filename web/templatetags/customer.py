from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.context import RequestContext

from core.models import Document, Invoice
from core.models.base import StatefulModel
from web.customer.banner import banner_context, standing_of
from web.customer.documents import papers_of
from web.customer.sheet import Sheet

register = template.Library()


@register.inclusion_tag("web/customer/banner.html", takes_context=True)
def account_banner(context: RequestContext) -> dict[str, Any]:
    request = context["request"]
    standing = getattr(request, "standing", None) or standing_of(request.account)
    return banner_context(standing, request.path)


@register.inclusion_tag("web/customer/papers.html", takes_context=True)
def papers(context: RequestContext, subject: StatefulModel, others: Sequence[StatefulModel] = ()) -> dict[str, Any]:
    """The files of an invoice and its payments, with those that are not ready yet."""
    request = context["request"]
    found = papers_of(request.account, [row.pk for row in (subject, *others)])
    states = {paper.status for paper in found}
    return {
        "request": request,
        "papers": found,
        "has_waiting": Document.Status.WAITING in states,
        "is_making": Document.Status.PREPARED in states,
    }


@register.inclusion_tag("web/customer/paper_button.html", takes_context=True)
def paper_button(context: RequestContext, invoice: Invoice) -> dict[str, Any]:
    found = papers_of(context["request"].account, [invoice.pk])
    made = [paper for paper in found if (paper.kind, paper.status) == (Document.Kind.INVOICE, Document.Status.MADE)]
    return {"paper": made[0] if made else None}


@register.simple_tag
def sheet_of(invoice: Invoice) -> Sheet:
    return Sheet.of(invoice)
