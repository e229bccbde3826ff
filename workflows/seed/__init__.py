"""Seeding changes no existing row, so it can run again."""

from __future__ import annotations

from django.db.transaction import atomic

from workflows.seed.bank import seed_bank_account
from workflows.seed.industries import seed_industries
from workflows.seed.payment_methods import seed_payment_methods
from workflows.seed.people import retire_public_password, seed_customer, seed_groups, seed_staff
from workflows.seed.plans import seed_plans
from workflows.seed.seller import seed_seller
from workflows.seed.stories import seed_stories
from workflows.seed.tax_rules import seed_tax_rules


@atomic
def seed(*, stories: bool = True) -> dict[str, int]:
    added = {
        "plans": seed_plans(),
        "payment methods": seed_payment_methods(),
        "industries": seed_industries(),
        "bank accounts": seed_bank_account(),
        "tax rules": seed_tax_rules(),
        "sellers": seed_seller(),  # before there are invoices
        "log-ins": seed_staff() + seed_customer(),  # the customer needs a plan and a method
        "stories": seed_stories() if stories else 0,
    }
    retire_public_password()
    return added


@atomic
def seed_catalogue() -> dict[str, int]:
    """For a real installation: without users, and with all payment methods disabled."""
    return {
        "plans": seed_plans(),
        "payment methods": seed_payment_methods(is_enabled=False),
        "industries": seed_industries(),
        "groups": seed_groups(),
    }
