from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from web.navigation import settings_nav_of
from web.staff.access import (
    CHANGE_METHOD,
    CHANGE_PLAN,
    CHANGE_POLICY,
    GRANT,
    IMPORT,
    MAIL,
    SELLER,
    SETTINGS,
    StaffRequest,
    may_see_any,
    staff_with,
)
from workflows.reporting.first_run import first_run


@dataclass(frozen=True)
class Step:
    """permissions: of who can do it; one is enough. query: of the address."""

    title: str
    why: str
    page: str
    permissions: Sequence[str]
    query: str = ""

    @property
    def address(self) -> str:
        return reverse(self.page) + self.query


STEPS = {
    "company": Step(
        "The company is named",
        "Without its name and address no paper can be made: invoices wait for it.",
        "settings_company",
        SELLER,
    ),
    "plan": Step(
        "A public plan has a price",
        "Without one there is nothing to buy. Prices that came with the installation are examples: put yours in.",
        "settings_plans",
        (CHANGE_PLAN,),
    ),
    "way_to_pay": Step(
        "A way to pay is your own",
        "Methods that came with the installation are examples, marked as demos: fill in your account and enable one.",
        "settings_methods",
        (CHANGE_METHOD,),
    ),
    "approvers": Step(
        "Two people may approve payments",
        "Nobody decides on a payment that they recorded themselves.",
        "settings_people",
        (GRANT,),
    ),
    "operators": Step(
        "Mails come from you and warnings reach you",
        "The sender, the address for answers or OPERATOR_EMAILS is still an example's: the page says who sets each.",
        "settings_mail",
        MAIL,
    ),
    "mail": Step(
        "A test mail was delivered",
        "Customers get invoices and reminders by mail: see one leave by the server that is configured now.",
        "settings_mail",
        MAIL,
    ),
    "reminders": Step(
        "Reminders are as you want them",
        "Look at what happens to an invoice that nobody pays, and save it once, changed or not.",
        "settings_reminders",
        (CHANGE_POLICY,),
    ),
    "bank_account": Step(
        "A bank account is known",
        "Then statements can be imported, and what they say stands beside each claim.",
        "admin:core_bankaccount_changelist",
        (IMPORT,),
    ),
}

PAGES = {
    "settings_company": "who bills: name, address, tax ids, bank details",
    "settings_brand": "how it looks and speaks: logo, colour, terms, footer, sender",
    "settings_numbers": "how invoices, receipts and cancellations are numbered",
    "settings_plans": "what is sold, for how much, and with which limits",
    "settings_methods": "where customers send their money, in which words",
    "settings_people": "who may sign in, approve and grant rights",
    "settings_reminders": "when invoices are issued and due, and what happens when nobody pays",
    "settings_mail": "from whom mails come, and whether they leave",
}


@staff_with(*SETTINGS)
def overview_page(request: StaffRequest) -> HttpResponse:
    done = first_run(request.user)
    steps = [
        {"step": STEPS[name], "is_done": is_done, "may": may_see_any(request.user, STEPS[name].permissions)}
        for name, is_done in done.items()
    ]
    pages = [(link, PAGES[link.name]) for link, _ in settings_nav_of(request) if link.name in PAGES]
    context = {"steps": steps, "left": sum(not is_done for is_done in done.values()), "pages": pages}
    return render(request, "web/staff/settings/overview.html", context)
