from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

BASE_DIR = Path(__file__).resolve().parent.parent


class _StrippingFileMapping(FileAwareMapping):  # type: ignore[misc]
    def __getitem__(self, key: str) -> str:
        value: str = super().__getitem__(key)
        return value.rstrip("\r\n")


class _Env(environ.Env):  # type: ignore[misc]
    """Reads NAME_FILE in place of NAME: secrets of containers are files."""

    ENVIRON = _StrippingFileMapping()


env = _Env()

# Locks of a process that sleeps or is gone are freed before its lease is over (30 s). Generic plans: planning `id =
# ANY($1)` took longer than executing it. `?options=...` in DATABASE_URL replaces these.
SESSION_OPTIONS = (
    "-c idle_in_transaction_session_timeout=20s -c client_connection_check_interval=1s"
    " -c plan_cache_mode=force_generic_plan"
)

CONNECTION_TIMEOUTS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}

DEFAULT_SECRET = "insecure-demo-key-never-use-it-for-money-0000000000"  # noqa: S105
LOOPBACK = ["127.0.0.1", "::1"]  # both: localhost may mean either
DEFAULT_PASSWORDS = {"password", "countersign"}  # of .env.example and docker-compose.yml


def secret(name: str, *, debug: bool) -> str:
    """Raises ImproperlyConfigured for a missing or well-known secret, except in DEBUG."""
    value: str = env.str(name, default="") or DEFAULT_SECRET
    if not debug and (value == DEFAULT_SECRET or len(value) < 32):
        raise ImproperlyConfigured(
            f"{name} is missing, the demo's, or shorter than 32 characters: "
            f"set {name} or {name}_FILE, or DEBUG=true for a demo."
        )
    return value


def fallback_secrets(name: str, *, debug: bool) -> list[str]:
    values: list[str] = env.list(name, default=[])
    if not debug and any(value == DEFAULT_SECRET or len(value) < 32 for value in values):
        raise ImproperlyConfigured(f"{name} has a secret that is the demo's or shorter than 32 characters.")
    return values


def listens_on(*, debug: bool) -> list[str]:
    """BIND: by default all addresses; in DEBUG only those of this machine."""
    default = LOOPBACK if debug else ["0.0.0.0"]  # noqa: S104
    # A demo shows error pages and has a known secret.
    addresses: list[str] = [word.strip("[]") for word in env.list("BIND", default=[])] or default
    is_published_narrowly = env.bool("DEMO_BEHIND_LOOPBACK", default=False)
    if debug and not is_published_narrowly and (wide := [each for each in addresses if not _is_loopback(each)]):
        raise ImproperlyConfigured(
            f"DEBUG is for this machine alone, and BIND={','.join(wide)} is open to its network: leave BIND out, set "
            "DEBUG=false, or DEMO_BEHIND_LOOPBACK=1 for a container whose port is published on 127.0.0.1 only."
        )
    return addresses


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def metrics_token(*, debug: bool) -> str:
    token: str = env.str("METRICS_TOKEN", default="")
    if token and len(token) < 16 and not debug:
        raise ImproperlyConfigured("METRICS_TOKEN is shorter than 16 characters: set a longer one, or none.")
    return token


def database(*, debug: bool) -> dict[str, object]:
    config: dict[str, object] = env.db_url("DATABASE_URL", default="postgresql:///countersign")
    if config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database: postgresql://...")
    if not debug and config.get("PASSWORD") in DEFAULT_PASSWORDS:
        raise ImproperlyConfigured(
            "DATABASE_URL has the password of an example: give the database another, or set DEBUG=true for a demo."
        )
    config["ENGINE"] = "core.db.postgres"
    options: dict[str, object] = config.get("OPTIONS", {})  # type: ignore[assignment]
    config["OPTIONS"] = {"options": SESSION_OPTIONS, **CONNECTION_TIMEOUTS, **options}
    return config


def broker(*, debug: bool) -> str:
    url: str = env.str("BROKER_URL", default="redis://localhost:6379/0")
    if not debug and urlsplit(url).password in DEFAULT_PASSWORDS:
        raise ImproperlyConfigured("BROKER_URL has the password of an example: give the broker another.")
    return url


def email() -> dict[str, object]:
    url = env.str("EMAIL_URL", default="")
    if not url:
        return {
            "EMAIL_BACKEND": "workflows.mail.file_backend.EmlBackend",
            "EMAIL_FILE_PATH": env.str("MAIL_DIR", default=str(BASE_DIR / "var" / "mail")),
        }
    config: dict[str, object] = env.email_url("EMAIL_URL")
    if config.pop("OPTIONS", None):
        raise ImproperlyConfigured(
            "EMAIL_URL has words after its `?` that are not read: TLS is smtp+tls:// (STARTTLS) or smtp+ssl://."
        )
    if config["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        config["EMAIL_BACKEND"] = "workflows.mail.smtp.Backend"
    return {"EMAIL_TIMEOUT": 10, **config}


def one_address(text: str, name: str) -> str:
    mailbox = parseaddr(text)[1]
    if text and not (text.isprintable() and mailbox in text and MAILBOX.fullmatch(mailbox)):
        raise ImproperlyConfigured(f"{name} must be one e-mail address, such as help@example.com; it is {text!a}.")
    return text


def one_line(text: str, name: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise ImproperlyConfigured(f"{name} must be one line of at most 200 characters.")
    return text.strip()


def rate(name: str) -> str:
    text: str = env.str(name, default="")
    if text and not re.fullmatch(r"[1-9][0-9]{0,5}/[smh]", text, re.ASCII):
        raise ImproperlyConfigured(f"{name} must read like 14/s, 100/m or 1000/h; it is `{text}`.")
    return text


MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")
SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LIMIT = re.compile(r"([a-z_]+)=([1-9][0-9]{0,6})/([1-9][0-9]{0,4})?([smhd])", re.ASCII)


def limits(
    name: str, default: str, *, names: Sequence[str] = ("pair", "account", "address")
) -> dict[str, tuple[int, timedelta]]:
    """Parses `pair=20/1h address=500/10m`; `off` for none."""
    text = env.str(name, default=default)
    words = [] if text == "off" else text.split()
    found = [LIMIT.fullmatch(word) for word in words]
    if not all(match and match[1] in names for match in found) or not (words or text == "off"):
        raise ImproperlyConfigured(f"{name} must read like `{default}`, or off; it is `{text}`.")
    return {match[1]: (int(match[2]), timedelta(**{SPANS[match[4]]: int(match[3] or 1)})) for match in found if match}
