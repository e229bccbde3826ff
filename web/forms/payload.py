"""A JSON object that staff type."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput


class Payload(forms.JSONField):
    """An object; None for nothing."""

    css = "full"

    def to_python(self, value: Any) -> Any:
        try:
            payload = super().to_python(value)
        except RecursionError:
            raise ValidationError("It is nested too deeply.") from None
        if payload is not None and not isinstance(payload, dict):
            raise ValidationError("A payload is a JSON object.")
        return payload

    def bound_data(self, data: Any, initial: Any) -> Any:
        """As typed, when it is shown again."""
        return InvalidJSONInput(data) if data is not None else None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True  # which would parse it once more
