from django.conf import settings
from django.db import migrations

import engine.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("toy", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="door",
            constraint=engine.triggers.NoDelete(name="door_kept"),
        ),
    ]
