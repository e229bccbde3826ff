from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import Account
from web.form_tokens import new_token
from web.forms.base import PageForm
from web.forms.fields import Choice, Day
from workflows.periods import database_now, today_in


class StatementForm(PageForm):
    start = Day(label=_("First day"))
    end = Day(label=_("Last day"))
    currency = Choice(label=_("Currency"), css="full")
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["currency"]
        choice.choices = [(code, code) for code in currencies_of(account)]


def this_year_of(account: Account) -> dict[str, Any]:
    """What the form begins with: from the first day of the year to today, in the customer's time zone."""
    today = today_in(account.time_zone, database_now())
    return {"currency": account.currency, "start": today.replace(month=1, day=1), "end": today, "token": new_token()}


def currencies_of(account: Account) -> list[str]:
    """That its invoices and payments are in, and its own."""
    invoices = account.invoices.order_by().values_list("currency")
    payments = account.payments.order_by().values_list("currency")
    return sorted({account.currency, *(code for (code,) in invoices.union(payments))})
