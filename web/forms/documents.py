from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import Account
from web.forms.base import PageForm
from web.forms.fields import Choice, Day


class StatementForm(PageForm):
    start = Day(label=_("First day"))
    end = Day(label=_("Last day"))
    currency = Choice(label=_("Currency"), css="full")
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["currency"]
        choice.choices = [(code, code) for code in currencies_of(account)]


def currencies_of(account: Account) -> list[str]:
    """In which it owes or has paid, with its own."""
    invoices = account.invoices.order_by().values_list("currency")
    payments = account.payments.order_by().values_list("currency")
    return sorted({account.currency, *(code for (code,) in invoices.union(payments))})
