from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from web.forms.base import RENDERER, PageForm
from web.rate_limited_login import RateLimitedLogin


class SignInForm(RateLimitedLogin):
    default_renderer = RENDERER
    use_required_attribute = PageForm.use_required_attribute
    error_messages = {
        "invalid_login": _("The e-mail address or the password is wrong."),
        "inactive": _("The e-mail address or the password is wrong."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget.attrs |= {"dir": "ltr", "inputmode": "email", "autofocus": True}
        self.fields["username"].widget.input_type = "email"
        self.fields["password"].widget.attrs |= {"dir": "ltr"}
