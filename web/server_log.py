from __future__ import annotations

from logging.config import DictConfigurator
from typing import Any

from gunicorn.glogging import Logger

from core.settings import FORMATTERS, LOG_FORMAT


class ServerLog(Logger):  # type: ignore[misc]
    """gunicorn's master does not load Django, so the format is read from the settings here."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        formatter = DictConfigurator({}).configure_formatter(dict(FORMATTERS[LOG_FORMAT]))
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter)
