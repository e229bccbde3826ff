from __future__ import annotations

import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.security.database_roles import warn_if_privileged


def _addresses() -> list[str]:
    """As gunicorn writes them, without a loopback that this machine lacks."""
    found = [address for address in settings.WEB_ADDRESSES if address != "::1" or _has_ipv6()]
    return [f"[{address}]" if ":" in address else address for address in found]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Command(BaseCommand):
    help = "Serve the site and the API on PORT (8011). WEB_PROCESSES x WEB_THREADS requests at once."

    def handle(self, *args: Any, **options: Any) -> None:
        warn_if_privileged()
        arguments = [
            sys.executable, "-m", "gunicorn", settings.WSGI_APPLICATION.replace(".application", ":application"),
            *(f"--bind={address}:{settings.WEB_PORT}" for address in _addresses()),
            f"--workers={settings.WEB_PROCESSES}", f"--threads={settings.WEB_THREADS}",
            "--worker-class=web.server.Worker", "--graceful-timeout=20", "--timeout=60", "--no-control-socket",
            "--keep-alive=75",  # longer than proxies keep a connection, 60 s: else one is closed as they use it
            "--forwarded-allow-ips=",  # Django decides: TRUSTED_PROXIES
            "--max-requests=20000", "--max-requests-jitter=2000", "--logger-class=web.server_log.ServerLog",
        ]  # fmt: skip
        os.execv(sys.executable, arguments)  # noqa: S606 - our own server, in our own process
