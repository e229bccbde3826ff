"""Whenever a status changes, each index of its row is written anew: those go that nobody reads by.

Some stood beside a longer one that begins alike; others were of plans, methods and staff, which hardly ever go; and text
that is unique had a second index for patterns, which nobody asks for.
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

# Table and column of each, with its name.
KEYS = {
    "core_allocation_account_id_b47a855f": ("core_allocation", "account_id"),
    "core_balanceentry_account_id_35a82234": ("core_balanceentry", "account_id"),
    "core_creditentry_account_id_29169220": ("core_creditentry", "account_id"),
    "core_invoice_account_id_59d797a7": ("core_invoice", "account_id"),
    "core_invoice_payment_method_id_6522a810": ("core_invoice", "payment_method_id"),
    "core_payment_account_id_b5413d0f": ("core_payment", "account_id"),
    "core_payment_decided_by_id_77eadf26": ("core_payment", "decided_by_id"),
    "core_payment_method_id_b06fdba4": ("core_payment", "method_id"),
    "core_payment_retry_of_id_58b020b1": ("core_payment", "retry_of_id"),
    "core_payment_reversed_by_id_09992e55": ("core_payment", "reversed_by_id"),
    "core_payment_submitted_by_id_93e0f8ec": ("core_payment", "submitted_by_id"),
    "core_subscription_next_plan_id_13bc2652": ("core_subscription", "next_plan_id"),
    "core_subscription_plan_id_0e74cf05": ("core_subscription", "plan_id"),
    "core_subscription_previous_id_13b41b9c": ("core_subscription", "previous_id"),
    "core_transition_actor_id_de0b5600": ("core_transition", "actor_id"),
    "core_effect_key_bb36ccba_like": ("core_effect", "key varchar_pattern_ops"),
    "core_invoice_number_3db5f68c_like": ("core_invoice", "number varchar_pattern_ops"),
    "core_attempt_key_c75d19aa_like": ("core_attempt", "key varchar_pattern_ops"),
}


def without(model: str, name: str, to: str, related_name: str = "+", **given: bool) -> migrations.AlterField:
    """The foreign key as it is now: without an index of its own."""
    return migrations.AlterField(
        model_name=model,
        name=name,
        field=models.ForeignKey(
            to=to, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, db_index=False, **given
        ),
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0014_queue_by_key")]

    operations = [
        AddIndexConcurrently(
            model_name="transition",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor"], name="transition_by_person"
            ),
        ),
        RemoveIndexConcurrently(model_name="payment", name="payment_by_account"),
        # AlterField would take the foreign key away and check it again, with the table locked.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                    f"CREATE INDEX CONCURRENTLY {name} ON {table} ({column})",
                )
                for name, (table, column) in KEYS.items()
            ],
            state_operations=[
                without("allocation", "account", "core.account"),
                without("balanceentry", "account", "core.account", "balance_entries"),
                without("creditentry", "account", "core.account", "credit_entries"),
                without("invoice", "account", "core.account", "invoices"),
                without("invoice", "payment_method", "core.paymentmethod", null=True),
                without("payment", "account", "core.account", "payments"),
                without("payment", "decided_by", settings.AUTH_USER_MODEL, blank=True, null=True),
                without("payment", "method", "core.paymentmethod"),
                without("payment", "retry_of", "core.payment", blank=True, null=True),
                without("payment", "reversed_by", settings.AUTH_USER_MODEL, blank=True, null=True),
                without("payment", "submitted_by", settings.AUTH_USER_MODEL),
                without("subscription", "next_plan", "core.plan", blank=True, null=True),
                without("subscription", "plan", "core.plan"),
                without("subscription", "previous", "core.subscription", blank=True, null=True),
                without("transition", "actor", settings.AUTH_USER_MODEL, null=True),
            ],
        ),
    ]
