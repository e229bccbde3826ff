"""A claim says whether another one of its invoice was in review when it came; those of before say no."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0029_former_email_index")]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="is_further",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
