"""The people of an account."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.accounts import account_of
from api.door import CallerView, says
from api.fields import Choice, Email, StrictSerializer
from core import limits
from core.models import Membership
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests
from workflows.actions.members import change_role, let_go
from workflows.actions.sites import add_member


class MemberOut(serializers.Serializer):
    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    email = serializers.CharField(source="user.email")
    role = serializers.ChoiceField(Membership.Role.choices)


class Members(CallerView):
    """GET, POST account/members/"""

    class In(StrictSerializer):
        email = Email()
        role = Choice(Membership.Role.choices, default=Membership.Role.MEMBER)

        EXAMPLE = {"email": "colleague@example.com", "role": "admin"}

    @says([MemberOut], refuses=(NotFound,))
    def get(self, request: Request) -> Response:
        """Who belongs to the account."""
        rows = account_of(self.caller).memberships.select_related("user").order_by("id")
        return Response({"results": MemberOut(rows, many=True).data, "next": None, "previous": None})

    @says(MemberOut, 201, refuses=(NotFound, PermissionDenied, Conflict, TooManyRequests))
    def post(self, request: Request) -> Response:
        """Invite somebody, as far as the plan has room."""
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        account = account_of(self.caller)
        if account.may_be_changed_by(self.caller):
            limits.INVITE.attempt(request, form.validated_data["email"])
        member = add_member(account, by=self.caller, **form.validated_data)
        return Response(MemberOut(member).data, status=201)


class OneMember(CallerView):
    """PATCH, DELETE account/members/{id}/"""

    class In(StrictSerializer):
        role = Choice(Membership.Role.choices)

    @says(MemberOut, refuses=(PermissionDenied, Conflict))
    def patch(self, request: Request, pk: UUID) -> Response:
        """Give a member another role."""
        member = self._member(pk)
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        role = form.validated_data.get("role", member.role)
        return Response(MemberOut(change_role(member, role, by=self.caller)).data)

    @says(None, 204, refuses=(PermissionDenied, Conflict))
    def delete(self, request: Request, pk: UUID) -> Response:
        """Send a member away; the log-in is worth nothing any more."""
        member = self._member(pk)
        let_go(member, by=self.caller)
        return Response(status=204)

    def _member(self, pk: UUID) -> Membership:
        return get_object_or_404(account_of(self.caller).memberships.select_related("user"), pk=pk)
