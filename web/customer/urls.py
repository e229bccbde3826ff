"""Addresses of a customer's account, under /app/."""

from __future__ import annotations

from django.urls import URLPattern, path

from web.customer import dashboard

urlpatterns: list[URLPattern] = [
    path("", dashboard.dashboard, name="dashboard"),
    *[
        path(f"{name}/", dashboard.dashboard, name=name)
        for name in ("invoices", "payments", "credits", "sites", "plan", "balance", "billing", "members", "security")
    ],
]
