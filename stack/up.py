"""`make up`: everything in one foreground process, until it is told to stop."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from stack.application import Application
from stack.ending import ToldToStop
from stack.lock import alone_on
from stack.problems import StackError
from stack.services import kept_services
from stack.terminal import Follower, nobody_listens, say

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
  operator@demo.test        run the house: failed work, settings
  admin@demo.test           do everything (superuser)
  owner@demo.test           be a customer
  Password for all of them: demo-demo-demo

Ctrl-C stops everything; the data stay.
"""


def up(root: Path) -> int:
    """Start, tell where, and watch until told to stop, which is a success.

    A process that ends by itself is a StackError, raised when the others are stopped.
    """
    try:
        _up(root)
    except ToldToStop:
        say("Stopped; the data are kept.")
    return os.EX_OK


def _up(root: Path) -> None:
    var = root / "var"
    port = _port(os.environ.get("PORT") or PORT)
    with alone_on(var):
        _check_free(port)
        _forget_logs(var / "log")
        say("Starting PostgreSQL and Valkey ...")
        with kept_services(var, os.environ) as services:
            application = Application(var, port=port, environment=_defaults(port) | services, root=root)
            say("Bringing the database up to date ...")
            application.prepare()
            say("Starting web, worker and beat ...")
            with application.running():
                _watch(application, greeting=_greeting(port, var))


def _defaults(port: int) -> dict[str, str]:
    """What a demo wants where the person says nothing."""
    wanted = {"DEBUG": "true", "PUBLIC_URL": _public_url(port)}
    return {name: value for name, value in wanted.items() if not os.environ.get(name)}


def _public_url(port: int) -> str:
    return os.environ.get("PUBLIC_URL") or f"http://localhost:{port}"


def _greeting(port: int, var: Path) -> str:
    return READY.format(url=_public_url(port), var=var, mails=os.environ.get("EMAIL_URL") or var / "mail")


def _watch(application: Application, *, greeting: str) -> None:
    follower = Follower(application.logs)
    follower.show()
    say(greeting)
    # `make` alone hears of a closed terminal when it was started as the terminal's first process, as by ssh.
    while not nobody_listens():
        application.must_live()
        time.sleep(0.2)
        follower.show()


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StackError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _check_free(port: int) -> None:
    for address in ("127.0.0.1", ""):  # macOS would let us listen beside a server on the other one
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                remedy = f"stop what listens there, or choose another: PORT={port + 1} make up"
                raise StackError(f"Port {port} cannot be used ({error.strerror}): {remedy}") from None


def _forget_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        with suppress(FileNotFoundError):
            log.unlink()
