from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from web.forms.base import PageForm
from web.forms.fields import Address


class LinkForm(PageForm):
    """The address is kept beside the link, for staff and for the account; nothing is sent to it."""

    recipient = Address(label=_("E-mail address of who pays"), required=False, css="full")
