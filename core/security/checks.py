from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connections
from django.db.transaction import atomic

from core.models import PaymentMethod, Plan, PlanPrice
from core.models.plan import FREE
from core.security.database_roles import privilege_problem
from core.time_zones import table_faults


@checks.register(checks.Tags.security, deploy=True)
def check_https(**_: Any) -> list[checks.CheckMessage]:
    """HTTPS ends at a proxy; if TRUSTED_PROXIES does not count it, all callers share the proxy's address."""
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


@checks.register(checks.Tags.security, deploy=True)
def check_email_backend(**_: Any) -> list[checks.CheckMessage]:
    """Without EMAIL_URL mails are files on disk, with links that set passwords."""
    if settings.EMAIL_BACKEND != "workflows.mail.file_backend.EmlBackend":
        return []
    folder = getattr(settings, "EMAIL_FILE_PATH", "var/mail")
    return [checks.Warning(f"EMAIL_URL is not set: mails become files in {folder}, and reach nobody.", id="core.W010")]


@checks.register
def check_time_zone_data(**_: Any) -> list[checks.CheckMessage]:
    """With older data some customers' days begin at the wrong hour, so no process starts."""
    hint = "Install requirements.txt, and leave zoneinfo's search path alone."
    return [checks.Error(fault, hint=hint, id="core.E001") for fault in table_faults()]


@checks.register(checks.Tags.database)
def check_idle_transaction_timeout(*, databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """A pooler may drop the options of DATABASE_URL; then the role must set them (docs/scaling.md)."""
    warnings: list[checks.CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
            (milliseconds,) = cursor.fetchone()
        if not 0 < milliseconds <= 30_000:
            warnings.append(
                checks.Warning(
                    "idle_in_transaction_session_timeout is not set: a process that sleeps keeps what it has locked.",
                    hint="ALTER ROLE ... SET idle_in_transaction_session_timeout = '20s'",
                    id="core.W003",
                )
            )
    return warnings


@checks.register(checks.Tags.database, deploy=True)
def check_role_privileges(*, databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Run it as the role of web, worker and beat."""
    warnings: list[checks.CheckMessage] = []
    for alias in databases or []:
        with connections[alias].cursor() as cursor:
            found = privilege_problem(cursor)
        if found:
            warnings.append(
                checks.Warning(
                    found,
                    hint="Run `manage.py grant_roles` as the owner, and the processes as the app's role.",
                    id="core.W004",
                )
            )
    return warnings


@checks.register(checks.Tags.database, deploy=True)
def check_catalogue(*, databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    return [warning for alias in databases or [] for warning in _lacking(alias)]


def _lacking(alias: str) -> list[checks.CheckMessage]:
    warnings: list[checks.CheckMessage] = []
    try:
        with atomic(alias):
            pays = PaymentMethod.objects.using(alias).filter(is_enabled=True).exists()
            starts = Plan.objects.using(alias).filter(code=FREE, is_public=True).exists()
            sells = PlanPrice.objects.using(alias).offered().filter(plan__is_public=True, amount__gt=0).exists()
    except DatabaseError:  # not migrated yet
        return []
    if not pays:
        warnings.append(
            checks.Warning("No payment method is enabled: invoices name no place to pay to.", id="core.W005")
        )
    if not starts:
        warnings.append(
            checks.Warning(
                f'There is no public plan with the code "{FREE}": a sign-up that names no plan is refused.',
                hint="Without it an account without a subscription has the smallest limits of all plans.",
                id="core.W006",
            )
        )
    if not sells:
        warnings.append(checks.Warning("No public plan has a price that is offered.", id="core.W007"))
    return warnings
