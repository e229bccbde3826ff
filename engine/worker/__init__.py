"""`engine.worker` stands in INSTALLED_APPS after the apps that declare effects."""
