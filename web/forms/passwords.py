from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from web.forms.base import PageForm
from web.forms.fields import Address, Password


def password_field(label: Any, *, is_new: bool, **kwargs: Any) -> Password:
    """Keeps spaces. The redrawn form keeps a new password, not an old one."""
    hint = "new-password" if is_new else "current-password"
    widget = forms.PasswordInput(render_value=is_new, attrs={"autocomplete": hint, "dir": "ltr"})
    help_text = _("At least 10 characters. A few words make a good one.") if is_new else ""
    return Password(label=label, css="full", widget=widget, help_text=help_text, **kwargs)


class AskForResetForm(PageForm):
    email = Address(label=_("E-mail address"), css="full")


class NewPasswordForm(PageForm):
    password = password_field(_("New password"), is_new=True)


class FirstPasswordForm(PageForm):
    password = password_field(_("Choose a password"), is_new=True)


class AcceptForm(PageForm):
    """For an invited person with a password: a button is enough."""


class ChangePasswordForm(PageForm):
    old_password = password_field(_("Password until now"), is_new=False)
    new_password = password_field(_("New password"), is_new=True)
