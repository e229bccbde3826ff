"""A pytest plugin: real PostgreSQL and Valkey, started before Django reads its settings.

The first process starts them unless DATABASE_URL is set; workers of pytest-xdist inherit its environment.
"""

from __future__ import annotations

import atexit
import os
import re
from contextlib import ExitStack

import pytest

from stack.problems import StackError
from stack.run import SECRET_KEY
from stack.services import throwaway_services

# Only the process that started the services stops them.
_services = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    options = early_config.known_args_namespace
    os.environ.setdefault("SECRET_KEY", SECRET_KEY)
    if worker is not None:
        _take_own_broker(int(worker.removeprefix("gw")) + 1)
    elif "DATABASE_URL" not in os.environ and not (options.help or options.version or options.collectonly):
        atexit.register(_services.close)  # for an end that pytest does not see
        try:
            os.environ.update(_services.enter_context(throwaway_services()))
        except StackError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_unconfigure() -> None:
    _services.close()


def _take_own_broker(number: int) -> None:
    if broker := os.environ.get("BROKER_URL"):
        os.environ["BROKER_URL"] = re.sub(r"virtual_host=\d+", f"virtual_host={number}", broker)
