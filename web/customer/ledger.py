from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from web.chart import credit_use
from web.customer.access import MemberRequest, members_only
from web.paging import page_of
from workflows.settlement.balances import balance_of


@members_only
def credit_ledger(request: MemberRequest) -> HttpResponse:
    account = request.account
    context = {"account": account, "page": page_of(account.credit_entries.all(), request), "chart": credit_use(account)}
    return render(request, "web/customer/credits.html", context)


@members_only
def balance(request: MemberRequest) -> HttpResponse:
    rows = request.account.balance_entries.select_related("payment__invoice")
    context = {"balances": balance_of(request.account.pk).items(), "page": page_of(rows, request)}
    return render(request, "web/customer/balance.html", context)
