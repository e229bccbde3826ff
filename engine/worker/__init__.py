"""Workers and a clock by Celery: `engine.worker` in INSTALLED_APPS, after the apps that declare effects."""
