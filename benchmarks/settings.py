"""The product's settings, with mails written to nowhere and what the benchmark adds."""

from core.settings import *  # noqa: F403
from core.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
EMAIL_BACKEND = "benchmarks.nowhere.Nowhere"
ROOT_URLCONF = "benchmarks.urls"
MIDDLEWARE = ["benchmarks.timing.ServerTime", *MIDDLEWARE]
