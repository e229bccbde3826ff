"""The hands: Celery rings, leases and sweeps. No billing rules."""
