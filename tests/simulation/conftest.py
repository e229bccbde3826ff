from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from workflows.simulation.database import scratch_database
from workflows.simulation.world import World, without_notifications


@pytest.fixture
def scratch(transactional_db) -> Iterator[str]:
    with scratch_database(template=connection.settings_dict["NAME"]) as name:
        yield name


@pytest.fixture
def world(scratch: str) -> Iterator[World]:
    logging.disable(logging.CRITICAL)  # what fails is a finding, and said by the test
    with without_notifications():
        world = World()
        try:
            yield world
        finally:
            world.close()
            logging.disable(logging.NOTSET)
