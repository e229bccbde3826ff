import os

from core.settings import *  # noqa: F403
from core.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
EMAIL_BACKEND = "benchmarks.null_backend.NullBackend"
BENCH_WITHOUT_MAILS = os.environ.get("BENCH_WITHOUT_MAILS") == "1"
ROOT_URLCONF = "benchmarks.urls"
MIDDLEWARE = ["benchmarks.timing.ServerTime", *MIDDLEWARE]
