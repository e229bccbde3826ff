"""Also while DEBUG shows pages of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.problems import answer
from core.problems import NotFound


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    return answer(NotFound("There is no such address."), request)
