from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import BankAccount
from core.problems import Problem
from web.problem_messages import problem_message
from web.staff.access import APPROVE, IMPORT, MATCH, StaffRequest, staff_with
from web.staff.confirming import for_money
from workflows.bank import save_bank_account
from workflows.bank.matching import ORDER, RULES
from workflows.bank.switches import switches

ACCOUNTS = 50


@staff_with(IMPORT, MATCH)
def rules_page(request: StaffRequest) -> HttpResponse:
    """How lines are matched: the rules as the matching reads them, and where they decide by themselves."""
    accounts = list(BankAccount.objects.all()[:ACCOUNTS])
    context = {
        "rules": [(rule.name, [words for words in ORDER if words in rule.needs]) for rule in RULES],
        "switches": switches(accounts),
        "choices": [
            (account, [(rule.name, rule.name not in account.rules_by_hand) for rule in RULES]) for account in accounts
        ],
        "may_choose": request.user.is_granted(IMPORT) and request.user.is_granted(APPROVE),
    }
    return render(request, "web/staff/bank_rules.html", context)


@require_POST
@staff_with(IMPORT)
@for_money
def choose_rules(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Which rules decide by themselves for one account, where that is switched on."""
    account = get_object_or_404(BankAccount, pk=pk)
    chosen = request.POST.getlist("automatic")
    by_hand = [rule.name for rule in RULES if rule.name not in chosen]
    try:
        save_bank_account(account, by=request.user, rules_by_hand=by_hand)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        messages.success(request, f"Saved for {account}.")
    return redirect("desk_bank_rules")
