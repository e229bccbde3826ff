"""Why an effect failed, in words that are equal for equal causes. Of those that failed before it is not known."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0086_effect_pauses")]

    operations = [
        migrations.AddField(
            model_name="effect",
            name="cause",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
    ]
