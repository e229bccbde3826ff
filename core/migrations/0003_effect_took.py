"""How long the call took that did an effect."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0002_tenant_keys")]

    operations = [
        migrations.AddField("effect", "took", models.PositiveIntegerField(null=True)),
    ]
