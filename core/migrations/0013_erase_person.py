"""The permission to erase who a person is. Nothing changes in the database but its row."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0012_audit_for_itself")]

    operations = [
        migrations.AlterModelOptions("user", {"permissions": [("erase_person", "Erase who a person is")]}),
    ]
