"""How a form looks and what no form lets in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import DjangoTemplates
from django.utils.translation import gettext_lazy as _

from core.problems import Problem


class Renderer(DjangoTemplates):
    """Every field with its label above, its help and its errors beside it: templates/web/forms/field.html."""

    field_template_name = "web/forms/field.html"
    form_template_name = "web/forms/form.html"


class PageForm(forms.Form):
    """A form of ours: `{{ form }}` draws it, `form.refuse(problem)` shows what a rule below had to say."""

    default_renderer = Renderer
    use_required_attribute = False  # the server's words, beside the field, instead of the browser's bubbles

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def refuse(self, problem: Problem) -> None:
        """Show a Problem where it belongs: beside its fields, or above the form."""
        errors: dict[str, Any] = problem.members.get("errors", {})
        for name, lines in errors.items():
            self.add_error(name if name in self.fields else None, [str(line) for line in lines])
        if not errors:
            self.add_error(None, problem.detail)


class Line(forms.CharField):
    """One line of text without control characters."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if isinstance(text, str) and not text.isprintable():
            raise ValidationError(_("Use one line of plain text."))
        return text
