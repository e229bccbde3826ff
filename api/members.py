from __future__ import annotations

from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.accounts import account_of
from api.fields import Choice, Email, StrictSerializer
from api.views import CallerView, operation
from core.models import Membership
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests, WrongState
from core.security import rate_limits
from workflows.actions.invitations import invite
from workflows.actions.members import MemberOrInvitation, change_role, member_or_invitation, people_of, remove_or_leave


class MemberOut(serializers.Serializer):
    """`status`: `invited` until they accept; then there is a `user_id`."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField(allow_null=True)
    email = serializers.CharField()
    role = serializers.ChoiceField(Membership.Role.choices)
    status = serializers.ChoiceField(["invited", "member"])


class Members(CallerView):
    """GET, POST account/members/"""

    class In(StrictSerializer):
        email = Email()
        role = Choice(Membership.Role.choices, default=Membership.Role.MEMBER)

        EXAMPLE = {"email": "colleague@example.com", "role": "admin"}

    @operation([MemberOut], raises=(NotFound,))
    def get(self, request: Request) -> Response:
        """Who belongs to the account, and who is invited."""
        rows = people_of(account_of(self.caller))
        return Response({"results": MemberOut(rows, many=True).data, "next": None, "previous": None})

    @operation(MemberOut, 201, raises=(NotFound, PermissionDenied, Conflict, WrongState, TooManyRequests))
    def post(self, request: Request) -> Response:
        """Invite somebody, as far as the plan has room; the answer is the same for known and unknown addresses."""
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        account = account_of(self.caller)
        if account.may_be_changed_by(self.caller):
            rate_limits.INVITE.attempt(request, form.validated_data["email"])
        invitation = invite(account, by=self.caller, **form.validated_data)
        return Response(MemberOut(invitation).data, status=201)


class OneMember(CallerView):
    """PATCH, DELETE account/members/{id}/"""

    class In(StrictSerializer):
        role = Choice(Membership.Role.choices)

    @operation(MemberOut, raises=(NotFound, PermissionDenied, Conflict))
    def patch(self, request: Request, pk: UUID) -> Response:
        """Give a member, or somebody who is invited, another role."""
        member = self._place(pk)
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        role = form.validated_data.get("role", member.role)
        return Response(MemberOut(change_role(member, role, by=self.caller)).data)

    @operation(None, 204, raises=(NotFound, PermissionDenied, Conflict))
    def delete(self, request: Request, pk: UUID) -> Response:
        """Send a member away, or leave: the log-in is worth nothing any more. An invitation is withdrawn."""
        remove_or_leave(self._place(pk), by=self.caller)
        return Response(status=204)

    def _place(self, pk: UUID) -> MemberOrInvitation:
        return member_or_invitation(account_of(self.caller), pk)
