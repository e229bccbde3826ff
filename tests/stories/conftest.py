from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.application import Application
from tests.application import running_application
from tests.stories.api_client import ApiClient


@pytest.fixture(scope="package")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with running_application(tmp_path_factory.mktemp("application"), "stories", broker=15) as application:
        yield application


@pytest.fixture
def api(application: Application) -> Iterator[ApiClient]:
    with ApiClient(application.url, mail=Path(application.logs[0]).parents[1] / "mail") as api:
        yield api
