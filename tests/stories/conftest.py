"""The whole house beside the test, for those who tell stories of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.application import Application
from tests.application import running_application
from tests.stories.house import House


@pytest.fixture(scope="package")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with running_application(tmp_path_factory.mktemp("house"), "stories", broker=15) as application:
        yield application


@pytest.fixture
def house(application: Application) -> Iterator[House]:
    with House(application.url, mail=Path(application.logs[0]).parents[1] / "mail") as house:
        yield house
