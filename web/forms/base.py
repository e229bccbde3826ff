from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import HttpResponse

from core.problems import Problem, TooManyRequests, ValidationError
from engine.stateful import Stateful
from web.problem_messages import problem_message


class Renderer(DjangoTemplates):
    field_template_name = "web/forms/field.html"
    form_template_name = "web/forms/form.html"


RENDERER = Renderer()  # one, because each looks for all libraries of template tags: 9 ms


class PageForm(forms.Form):
    """`{{ form }}` renders it, `refuse(problem)` shows a Problem in it."""

    default_renderer = RENDERER
    use_required_attribute = False  # errors come from the server, beside the field

    too_many: TooManyRequests | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def refuse(self, problem: Problem, *, about: Stateful | None = None) -> None:
        """Shows a Problem beside its fields or above the form. about: see `problem_message`."""
        if isinstance(problem, TooManyRequests):
            self.too_many = problem
        errors: dict[str, Any] = problem.members.get("errors", {})
        for name, lines in errors.items():
            self.add_error(name if name in self.fields else None, [str(line) for line in lines])
        if not errors:
            self.add_error(None, problem_message(problem, about=about))

    def add_errors_of(self, check: Callable[[], object]) -> None:
        """Adds the errors of `check`; fields keep their first error."""
        try:
            check()
        except ValidationError as problem:
            for name, lines in problem.members["errors"].items():
                if name not in self.errors:
                    self.add_error(name, [str(line) for line in lines])

    def set_status_on(self, page: HttpResponse) -> HttpResponse:
        """Sets 429 and Retry-After if a rate limit refused the form."""
        if self.too_many is not None:
            page.status_code = self.too_many.status
            page["Retry-After"] = str(self.too_many.members["retry_after"])
        return page
