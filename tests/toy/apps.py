from __future__ import annotations

from django.apps import AppConfig


class ToyConfig(AppConfig):
    name = "tests.toy"

    def ready(self) -> None:
        from tests.toy import flow  # noqa: F401 - to know what follows from what
