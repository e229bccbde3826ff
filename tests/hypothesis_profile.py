"""Hypothesis without deadline, database and random seed, so that each run tries the same."""

from hypothesis import settings

deterministic = settings(deadline=None, derandomize=True, database=None)
