"""Addresses for people."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from web import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("problems/", pages.all_problems, name="problems"),
    path("problems/<slug:slug>", pages.one_problem, name="problem"),
    path("admin/mails/", include("web.mails")),
    path("admin/", admin.site.urls),
]
