"""Hypothesis for a suite that must say the same each time: no clock, no memory, no luck."""

from hypothesis import settings

steady = settings(deadline=None, derandomize=True, database=None)
