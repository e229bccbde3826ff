"""The product's addresses, and one with nothing behind it."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.urls import urlpatterns as ours


class Empty(APIView):
    """What DRF and a token cost, with our middleware, before anything is done."""

    def get(self, request: Request) -> Response:
        return Response({})

    post = get


urlpatterns = [path("api/v1/bench/empty/", Empty.as_view()), *ours]
