"""The questions of whoever runs this process, who asks by its number on the net: any Host will do."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.http.health import healthz, readyz
from core.observability.metrics import metrics

VIEWS = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


class ProbesMiddleware:
    """Answers them before anybody looks at the Host. What is put after this is asked under ALLOWED_HOSTS only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info, self.get_response)
        return view(request)
