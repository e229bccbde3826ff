from workflows.simulation.clock import Clock

__all__ = ["Clock"]
