"""What has a history is never deleted, by raw SQL either."""

from django.db import migrations

import engine.triggers


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_invoice_draft_void'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='account',
            constraint=engine.triggers.Kept(name='account_kept'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=engine.triggers.Kept(name='invoice_kept'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=engine.triggers.Kept(name='payment_kept'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=engine.triggers.Kept(name='subscription_kept'),
        ),
    ]
