from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from core.models import BankAccount
from web.staff.access import IMPORT, MATCH, StaffRequest, staff_with
from workflows.bank.matching import ORDER, RULES
from workflows.bank.switches import switches

ACCOUNTS = 50


@staff_with(IMPORT, MATCH)
def rules_page(request: StaffRequest) -> HttpResponse:
    """How lines are matched: the rules as the matching reads them, and where they decide by themselves."""
    context = {
        "rules": [(rule.name, [words for words in ORDER if words in rule.needs]) for rule in RULES],
        "switches": switches(list(BankAccount.objects.all()[:ACCOUNTS])),
    }
    return render(request, "web/staff/bank_rules.html", context)
