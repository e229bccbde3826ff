from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.urls import urlpatterns as ours


class Empty(APIView):
    """What DRF, a token and our middleware cost."""

    def get(self, request: Request) -> Response:
        return Response({})

    post = get


urlpatterns = [path("api/v1/bench/empty/", Empty.as_view()), *ours]
