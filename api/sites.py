from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.accounts import account_of
from api.fields import Choice, Email, StrictSerializer, Text, UuidField
from api.views import ApiView, CallerView, operation
from core.models import Industry, Membership, Site, SiteUserAccess
from core.models.site import SiteQuerySet
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests, ValidationError, WrongState
from core.validation.email import canonical_email
from workflows.actions.site_access import change_site, check_manages, close_site, give_access
from workflows.actions.sites import open_site


class IndustryOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class SiteOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    industry = IndustryOut()
    created_at = serializers.DateTimeField()


class AccessOut(serializers.Serializer):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    email = serializers.CharField(source="user.email")
    role = serializers.ChoiceField(SiteUserAccess.Role.choices)


class Industries(ApiView):
    """GET industries/: what a site may be about."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    @operation([IndustryOut])
    def get(self, request: Request) -> Response:
        rows = Industry.objects.order_by("name")
        return Response({"results": IndustryOut(rows, many=True).data, "next": None, "previous": None})


class Sites(CallerView, ReadOnlyModelViewSet):
    """GET, POST sites/ and GET, PATCH, DELETE sites/{id}/: where the account uses the product."""

    serializer_class = SiteOut

    class In(StrictSerializer):
        name = Text(max_length=150)
        industry = UuidField()

        EXAMPLE = {"name": "Main Street", "industry": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}

    def get_queryset(self) -> SiteQuerySet:
        return Site.objects.visible_to(self.caller).select_related("industry")

    @operation(SiteOut, 201, raises=(NotFound, PermissionDenied, Conflict, WrongState, TooManyRequests))
    def create(self, request: Request) -> Response:
        """Open a site, as far as the plan has room; the caller becomes its manager."""
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        industry = _industry(data["industry"])
        site = open_site(account_of(self.caller), name=data["name"], industry=industry, by=self.caller)
        return Response(SiteOut(site).data, status=201)

    @operation(SiteOut, raises=(PermissionDenied, Conflict))
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change a site."""
        site = self.get_object()
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        if "industry" in data:
            data["industry"] = _industry(data["industry"])
        return Response(SiteOut(change_site(site, by=self.caller, **data)).data)

    @operation(None, 204, raises=(PermissionDenied, Conflict))
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Close a site."""
        site = self.get_object()
        close_site(site, by=self.caller)
        return Response(status=204)


class SiteAccess(CallerView):
    """GET, POST sites/{id}/access/: who may do what at a site."""

    class In(StrictSerializer):
        email = Email()
        role = Choice(SiteUserAccess.Role.choices)

        EXAMPLE = {"email": "colleague@example.com", "role": "editor"}

    @operation([AccessOut])
    def get(self, request: Request, pk: UUID) -> Response:
        """Who may do what at a site."""
        site = get_object_or_404(Site.objects.visible_to(self.caller), pk=pk)
        rows = site.access.select_related("user").order_by("id")
        return Response({"results": AccessOut(rows, many=True).data, "next": None, "previous": None})

    @operation(AccessOut, 201, raises=(PermissionDenied, Conflict))
    def post(self, request: Request, pk: UUID) -> Response:
        """Let somebody of the account in, or give them another role."""
        site = get_object_or_404(Site.objects.visible_to(self.caller), pk=pk)
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        check_manages(site, by=self.caller)  # before the answer reveals who belongs to the account
        email = canonical_email(form.validated_data["email"])
        member = Membership.objects.filter(account=site.account_id, user__email_canonical=email).first()
        if member is None:
            raise ValidationError({"email": ["Nobody in your account has this address."]})
        access = give_access(site, member, form.validated_data["role"], by=self.caller)
        return Response(AccessOut(access).data, status=201)


def _industry(key: UUID) -> Industry:
    industry = Industry.objects.filter(pk=key).first()
    if industry is None:
        raise ValidationError({"industry": ["There is no such industry."]})
    return industry
