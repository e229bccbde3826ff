"""Who reads the views of `audit` needs no right on the tables behind them, so that a role may read these and no more."""

from django.db import migrations

VIEWS = (
    "accounts subscriptions invoices payments allocations balance_entries credit_entries transitions effects mails"
).split()


class Migration(migrations.Migration):
    dependencies = [("core", "0011_forget_kept_tokens")]

    operations = [
        migrations.RunSQL(
            f"ALTER VIEW audit.{name} RESET (security_invoker)",
            f"ALTER VIEW audit.{name} SET (security_invoker = true)",
        )
        for name in VIEWS
    ]
