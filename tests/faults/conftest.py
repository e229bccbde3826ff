"""The site is shared: a test may break whatever it likes, it is healed before the next one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.sockets import runtime_folder
from tests.faults.site import Site


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with runtime_folder() as folder, Site(folder, tmp_path_factory.mktemp("site")).running() as site:
        yield site
        for name in ("web", "beat", "worker"):
            site.application.process(name).kill()  # nobody waits for their farewell


@pytest.fixture
def site(shared_site: Site) -> Site:
    shared_site.heal()
    return shared_site
