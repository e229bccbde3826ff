"""Everything in one foreground process, until a signal or a closed terminal stops it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from socket import gethostname

from stack.addresses import LOOPBACK, WILDCARDS, bind_error, is_wide, listed
from stack.application import Application
from stack.lock import exclusive_lock
from stack.problems import StackError
from stack.secret_files import PUBLIC_PASSWORD, demo_password, secret_key
from stack.services import kept_services
from stack.signals import StopRequested
from stack.terminal import FollowUp, say, terminal_closed

PORT = "8011"

READY = """
Countersign is ready.

  Site   {url}/
  Desk   {url}/desk/
  Admin  {url}/admin/
  API    {url}/api/v1/
  Mails  {mails}
  Data   {var}

  Log in as                 to
  reviewer@demo.test        see what awaits review
  approver@demo.test        approve or reject payments
  operator@demo.test        operate it: failed work, settings
  admin@demo.test           do everything (superuser)
  owner@demo.test           be a customer
  Password for all of them: {password}

Ctrl-C stops everything; the data stay.
"""


def up(root: Path) -> int:
    """Raises StackError if a process ends by itself, after the others are stopped."""
    try:
        _up(root)
    except StopRequested:
        say("Stopped; the data are kept.")
    return os.EX_OK


def _up(root: Path) -> None:
    var = root / "var"
    port = _port(os.environ.get("PORT") or PORT)
    addresses = listed(os.environ.get("BIND", ""))
    os.umask(0o077)
    with exclusive_lock(var):
        _check_free(port, addresses)
        close_to_others(var)
        _forget_logs(var / "log")
        password = demo_password(var, os.environ, is_wide=is_wide(addresses))
        say("Starting PostgreSQL and Valkey ...")
        with kept_services(var, os.environ) as services:
            environment = _defaults(port, addresses, password) | secret_key(var, os.environ) | services
            application = Application(var, port=port, environment=environment, root=root, slow_worker=True)
            say("Bringing the database up to date ...")
            application.prepare()
            if is_wide(addresses):
                application.command("collectstatic", "--noinput", "-v0")  # they are served from there without DEBUG
            say("Starting web, workers and beat ...")
            with application.running():
                _watch(application, greeting=_greeting(port, var, addresses, password))


def close_to_others(var: Path) -> None:
    """Mails here have links that set passwords."""
    # PostgreSQL's user passes through to its own folder when we are root.
    var.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in ("mail", "log", "valkey"):
        if (var / name).is_dir():
            (var / name).chmod(0o700)


def _defaults(port: int, addresses: list[str], password: str) -> dict[str, str]:
    wanted = {"DEBUG": str(not is_wide(addresses)).lower(), "PUBLIC_URL": _public_url(port)}
    if is_wide(addresses):
        names = ["localhost", *LOOPBACK, gethostname(), *(each for each in addresses if each not in WILDCARDS)]
        wanted["ALLOWED_HOSTS"] = ",".join(f"[{name}]" if ":" in name else name for name in names)
    given = {} if password == PUBLIC_PASSWORD else {"DEMO_PASSWORD": password}
    return {name: value for name, value in wanted.items() if not os.environ.get(name)} | given


def _public_url(port: int) -> str:
    return os.environ.get("PUBLIC_URL") or f"http://localhost:{port}"


def _greeting(port: int, var: Path, addresses: list[str], password: str) -> str:
    mails = os.environ.get("EMAIL_URL") or var / "mail"
    greeting = READY.format(url=_public_url(port), var=var, mails=mails, password=password)
    if not is_wide(addresses):
        return greeting
    names = os.environ.get("ALLOWED_HOSTS") or f"localhost and {gethostname()}"
    return f"{greeting}It is open to the network, under the names {names}: ALLOWED_HOSTS has more.\n"


def _watch(application: Application, *, greeting: str) -> None:
    follower = FollowUp(application.logs)
    follower.show()
    say(greeting)
    # `make` alone hears of a closed terminal when it was the terminal's first process, as by ssh.
    while not terminal_closed():
        application.must_live()
        time.sleep(0.2)
        follower.show()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StackError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _check_free(port: int, addresses: list[str]) -> None:
    # macOS would let us listen beside a server on another address.
    for address in dict.fromkeys([*LOOPBACK, "0.0.0.0", *addresses]):  # noqa: S104
        error = bind_error(address, port)
        if error and not (address == "::1" and bind_error(address, 0)):  # a machine without IPv6
            remedy = f"stop what listens there, or choose another: PORT={port + 1} make up"
            raise StackError(f"Port {port} cannot be used ({error.strerror}): {remedy}")


def _forget_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        with suppress(FileNotFoundError):
            log.unlink()
