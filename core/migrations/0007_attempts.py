"""What the limits of log-in pages count, in the database so that they hold while the broker is down."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_email_verified")]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
        ),
    ]
