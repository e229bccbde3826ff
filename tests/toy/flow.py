"""The whole process on one page: what follows from what."""

from __future__ import annotations

from datetime import timedelta

from engine import on
from tests.toy.effects import close_by_itself, count_visits, greet, log_remotely, page_porter
from tests.toy.models import Door

on(Door, greet)  # a door was built
on(Door, page_porter, to=Door.Status.OPEN)  # built open: somebody should look
on(Door.open_up, count_visits, log_remotely)
on(Door.open_up, close_by_itself, after=timedelta(minutes=5))
on(Door.close, log_remotely)
