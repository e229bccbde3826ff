from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Email, StrictSerializer, UtcDateTime
from api.views import CallerView, operation
from core.models import Invoice, InvoiceLink
from core.problems import NotFound, PermissionDenied, TooManyRequests, WrongState
from workflows.actions.invoice_links import make_link, revoke_links
from workflows.mail.invoice_links import address_of


class InvoiceLinkOut(serializers.Serializer):
    """`url`: for who is to pay; who has it sees the invoice and may claim a payment, without signing in."""

    url = serializers.SerializerMethodField()
    recipient = serializers.CharField(help_text="Canonical; empty: not named.")
    expires_at = UtcDateTime()

    def get_url(self, link: InvoiceLink) -> str:
        return address_of(link)


class InvoiceLinks(CallerView):
    """POST, DELETE billing/invoices/{id}/links/"""

    class In(StrictSerializer):
        recipient = Email(default="", allow_blank=True, help_text="Who gets it from you: kept beside the link.")

        EXAMPLE = {"recipient": "payables@example.com"}

    @operation(InvoiceLinkOut, 201, raises=(NotFound, PermissionDenied, WrongState, TooManyRequests))
    def post(self, request: Request, pk: UUID) -> Response:
        """Make a link to the hosted page of an open invoice. Nothing is sent.

        Also by staff with `core.review_payment`, who then do not decide on what is claimed by it.
        """
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        link = make_link(self._invoice(pk), by=self.caller, **form.validated_data)
        return Response(InvoiceLinkOut(link).data, status=201)

    @operation(None, 204, raises=(NotFound, PermissionDenied))
    def delete(self, request: Request, pk: UUID) -> Response:
        """Revoke all links of the invoice, also those in mails."""
        revoke_links(self._invoice(pk), by=self.caller)
        return Response(status=204)

    def _invoice(self, pk: UUID) -> Invoice:
        return get_object_or_404(Invoice.objects.visible_to(self.caller).select_related("account"), pk=pk)
