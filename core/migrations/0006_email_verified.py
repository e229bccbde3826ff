"""Since when an e-mail address is known to be its owner's, and since when they are signed out everywhere."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0005_payment_method_hints")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="email_verified_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="signed_out_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
