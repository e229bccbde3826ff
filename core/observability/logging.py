from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from engine.context import request_id
from engine.logs import effects_at_work, redact

REFUSAL_LENGTH = 200  # characters: a header may have 8 kB


def ids() -> dict[str, Any]:
    names: dict[str, Any] = {}
    if request := request_id.get():
        names["request_id"] = request
    if effects := effects_at_work.get():
        names["effect_kind"] = effects[0].kind
        names |= _one_or_many("effect_id", [str(effect.pk) for effect in effects])
        causes = {str(effect.transition_id): None for effect in effects if effect.transition_id}
        names |= _one_or_many("transition_id", list(causes))
    return names


def _one_or_many(name: str, values: list[str]) -> dict[str, Any]:
    return {name: values[0]} if len(values) == 1 else {f"{name}s": values} if values else {}


class RefusalsInOneLine(logging.Filter):
    """Keeps refusals such as an unknown Host short: a network scan could fill the disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = record.getMessage()[:REFUSAL_LENGTH], ()
            record.exc_info = record.exc_text = None
        return True


class JsonFormatter(logging.Formatter):
    """Facts (`extra={"facts": {...}}`) stand beside the ids."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **ids(),
            **{name: redact(value) if isinstance(value, str) else value for name, value in _facts(record).items()},
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        record.message = "\\n".join(record.message.splitlines())  # foreign text cannot forge a line
        said = " ".join(
            f"{name.removesuffix('_id')}={len(value) if isinstance(value, list) else value}"
            for name, value in (ids() | _facts_of_event(record)).items()
        )
        return super().formatMessage(record) + (f" [{said}]" if said else "")


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


def _facts_of_event(record: logging.LogRecord) -> dict[str, Any]:
    facts = _facts(record)
    return {name: value for name, value in facts.items() if name != "event"} if "event" in facts else {}
