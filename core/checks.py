"""What an operator should know before customers come: `manage.py check --deploy`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def somebody_ends_https(**_: Any) -> list[checks.CheckMessage]:
    """HTTPS always ends at a proxy; one that is not counted hides every caller behind its own address."""
    if not settings.IS_HTTPS:
        return [checks.Warning("PUBLIC_URL is not https: passwords and tokens can be read on the way.", id="core.W001")]
    if settings.TRUSTED_PROXIES < 1:
        return [
            checks.Warning(
                "PUBLIC_URL is https and TRUSTED_PROXIES is 0: all callers look like the proxy that ends HTTPS.",
                hint="Set TRUSTED_PROXIES to how many proxies append to X-Forwarded-For, and X-Forwarded-Proto.",
                id="core.W002",
            )
        ]
    return []
