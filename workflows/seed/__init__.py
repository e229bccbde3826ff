"""The first rows: what a demo shows before anybody has entered anything, and what a real installation begins from.

What is there stays as it is, so a second run changes nothing and an operator's edits are safe.
"""

from __future__ import annotations

from django.db.transaction import atomic

from workflows.seed.industries import seed_industries
from workflows.seed.payment_methods import seed_payment_methods
from workflows.seed.people import retire_public_password, seed_customer, seed_groups, seed_staff
from workflows.seed.plans import seed_plans
from workflows.seed.stories import seed_stories


@atomic
def seed(*, stories: bool = True) -> dict[str, int]:
    """Add what is missing, all of it or nothing. Returns how many rows of what were added."""
    added = {
        "plans": seed_plans(),
        "payment methods": seed_payment_methods(),
        "industries": seed_industries(),
        "log-ins": seed_staff() + seed_customer(),  # the customer needs a plan and a method
        "stories": seed_stories() if stories else 0,
    }
    retire_public_password()
    return added


@atomic
def seed_catalogue() -> dict[str, int]:
    """Add what is missing of a real installation's: nobody can log in with it, and no method takes money yet."""
    return {
        "plans": seed_plans(),
        "payment methods": seed_payment_methods(is_enabled=False),
        "industries": seed_industries(),
        "groups": seed_groups(),
    }
