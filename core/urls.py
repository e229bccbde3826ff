"""The root of all addresses; rooms are named by dotted string, not imported."""

from __future__ import annotations

from django.urls import include, path

from core.health import healthz, readyz
from core.metrics import metrics

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/", include("api.urls")),
    path("", include("web.urls")),
]
