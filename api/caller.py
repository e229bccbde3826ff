"""Who is asking: what every view of ours knows about its request."""

from __future__ import annotations

from rest_framework.views import APIView

from core.models import User


class CallerView(APIView):
    """A view whose caller has signed in."""

    @property
    def caller(self) -> User:
        user = self.request.user
        assert isinstance(user, User), "only for views that demand a token"
        return user
