"""`core.settings` with the toy. Processes that tests start run on `core.settings`."""

from core.settings import *  # noqa: F403
from core.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.toy"]
HISTORY_HEADS_DIR = ""
TASKS = {
    "default": {"BACKEND": "engine.django_tasks.EffectBackend"},
    "outward": {"BACKEND": "engine.django_tasks.EffectBackend", "OPTIONS": {"EXTERNAL": True}},
}
