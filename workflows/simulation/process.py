"""Imports nothing that needs Django to be set up."""

from __future__ import annotations

import os

import django


def set_up(settings_module: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    django.setup()
