"""The root of all addresses; rooms are named by dotted string, not imported. The probes are in core/http/probes.py."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/", include("api.urls")),
    path("", include("web.urls")),
]
