from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from core.validation.text import is_lines


class Payload(forms.JSONField):
    """A JSON object; None if empty."""

    css = "full"

    def to_python(self, value: Any) -> Any:
        try:
            payload = super().to_python(value)
        except RecursionError:
            raise ValidationError("It is nested too deeply.") from None
        except ValueError:  # more digits than Python parses
            raise ValidationError("There is a number in it that is too long.") from None
        if payload is not None and not isinstance(payload, dict):
            raise ValidationError("A payload is a JSON object.")
        if payload is not None and not is_lines(json.dumps(payload, ensure_ascii=False)):
            raise ValidationError("It contains characters that are no text.")
        return payload

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The redrawn form shows it as typed."""
        return InvalidJSONInput(data) if data is not None else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True  # the default would parse it once more
