"""The clock that tests move is the simulator's."""

from workflows.simulation.clock import Clock

__all__ = ["Clock"]
