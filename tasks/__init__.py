"""Periodic tasks under Celery. No billing rules."""
