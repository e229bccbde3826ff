"""What has a history is never deleted, by raw SQL either."""

import core.models.guards
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_invoice_draft_void'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='account',
            constraint=core.models.guards.Kept(name='account_kept'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=core.models.guards.Kept(name='invoice_kept'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=core.models.guards.Kept(name='payment_kept'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=core.models.guards.Kept(name='subscription_kept'),
        ),
    ]
