from core.settings import DATABASES as OURS

SECRET_KEY = "of-a-peer-in-the-benchmark"  # noqa: S105
USE_TZ = True
INSTALLED_APPS = ["benchmarks.peers"]
DATABASES = {"default": {**OURS["default"], "CONN_MAX_AGE": 300}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
EMAIL_BACKEND = "benchmarks.null_backend.NullBackend"
LOGGING_CONFIG = None
