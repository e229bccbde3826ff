from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from django.conf import settings

from workflows.simulation.database import scratch_database
from workflows.simulation.process import set_up
from workflows.simulation.report import Report
from workflows.simulation.run import Simulation
from workflows.simulation.world import World, without_notifications


def simulate(
    seeds: Sequence[int],
    *,
    customers: int,
    days: int,
    skip: Sequence[str] = (),
    jobs: int = 1,
    module: str | None = None,
    template: str | None = None,
) -> Iterator[tuple[int, Report]]:
    """module: changes the table of verbs when it is imported.

    template: an empty migrated database to copy; None: each is migrated.
    """
    one = partial(_simulate, customers=customers, days=days, skip=skip, module=module, template=template)
    if jobs == 1:
        yield from zip(seeds, map(one, seeds), strict=True)
        return
    named = (os.environ.get("DJANGO_SETTINGS_MODULE") or settings.SETTINGS_MODULE,)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=set_up, initargs=named) as processes:
        yield from zip(seeds, processes.map(one, seeds), strict=True)


def _simulate(
    seed: int, *, customers: int, days: int, skip: Sequence[str], module: str | None, template: str | None
) -> Report:
    if module:
        importlib.import_module(module)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what fails is a finding, and reported
    try:
        with scratch_database(template=template), without_notifications():
            world = World()
            try:
                return Simulation(world, customers=customers, days=days, seed=seed, skip=skip).run()
            finally:
                world.close()
    finally:
        logging.disable(before)
