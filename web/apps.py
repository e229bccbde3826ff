from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        from web.browsers import remember_browser

        user_logged_in.connect(remember_browser, dispatch_uid="web.remember_browser")
