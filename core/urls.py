"""The root of all addresses; rooms are named by dotted string, not imported."""

from __future__ import annotations

from django.urls import include, path

from core.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("api.urls")),
    path("", include("web.urls")),
]
