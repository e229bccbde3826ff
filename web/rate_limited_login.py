from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest

from core.problems import TooManyRequests
from core.security import events, rate_limits
from workflows.actions.people import record_sign_in


class RateLimitedLogin(AuthenticationForm):
    """Refuses attempts over the limit before the password is checked."""

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not (email and password):
            return super().clean()
        try:
            attempt = rate_limits.LOGIN.attempt(self.request, email)
        except TooManyRequests as problem:
            self.too_many = problem
            raise forms.ValidationError(problem.detail, code=problem.slug) from problem
        try:
            cleaned = super().clean()
        except forms.ValidationError:
            events.record_refusal("sign_in_refused", account=email)
            raise
        record_sign_in(self.get_user(), attempt)
        return cleaned


def rate_limited(view: Callable[..., Any]) -> Callable[..., Any]:
    """Sets 429 and Retry-After if the page's form was rate limited."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        form = (getattr(response, "context_data", None) or {}).get("form")
        problem = getattr(form, "too_many", None)
        if problem is not None:
            response.status_code = problem.status
            response["Retry-After"] = str(problem.members["retry_after"])
        return response

    return limited
