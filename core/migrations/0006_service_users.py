"""A user that is no person has no password."""

from django.db import migrations, models

CHECK = "CHECK (NOT (email_canonical::text LIKE '%@service.invalid') OR password::text LIKE '!%') NOT VALID"


class Migration(migrations.Migration):

    atomic = False  # so that the rows are read without a lock

    dependencies = [
        ('core', '0005_bank'),
    ]

    operations = [
        migrations.RunSQL(
            [
                f"""DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'user_of_service_has_no_password') THEN
                        ALTER TABLE core_user ADD CONSTRAINT user_of_service_has_no_password {CHECK};
                    END IF;
                END $$;""",
                "ALTER TABLE core_user VALIDATE CONSTRAINT user_of_service_has_no_password;",
            ],
            "ALTER TABLE core_user DROP CONSTRAINT IF EXISTS user_of_service_has_no_password",
            state_operations=[
                migrations.AddConstraint(
                    "user",
                    models.CheckConstraint(
                        condition=models.Q(("email_canonical__endswith", "@service.invalid"), _negated=True)
                        | models.Q(("password__startswith", "!")),
                        name="user_of_service_has_no_password",
                    ),
                )
            ],
        ),
    ]
