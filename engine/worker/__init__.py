"""Workers and beat by Celery: `engine.worker` in INSTALLED_APPS, after the apps that declare effects."""
