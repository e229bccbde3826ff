import core.models.guards
import engine.ids
from django.core.management import CommandError
from django.db import migrations, models


def refuse_older_database(apps, schema_editor):
    """The migrations before 0.1.0 were squashed into this one: its tables cannot be made where they are already."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'core' ORDER BY id DESC LIMIT 1")
        if latest := cursor.fetchone():
            raise CommandError(
                f"This database was made by a version before 0.1.0 (its latest migration is core.{latest[0]}). "
                "There is no way from there to here: make a new one (`make reset` on this machine)."
            )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.RunPython(refuse_older_database, migrations.RunPython.noop),
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail')),
                ('email_canonical', models.CharField(editable=False, max_length=254, unique=True)),
                ('name', models.CharField(blank=True, max_length=150)),
                ('is_staff', models.BooleanField(default=False, verbose_name='staff')),
                ('was_staff', models.BooleanField(db_default=False, default=False, editable=False)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('joined_at', models.DateTimeField(auto_now_add=True)),
                ('email_verified_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('signed_out_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('former_email_digest', models.CharField(blank=True, db_default='', default='', editable=False, max_length=64)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'permissions': [('erase_person', 'Erase who a person is')],
                'indexes': [models.Index(condition=models.Q(('former_email_digest', ''), _negated=True), fields=['former_email_digest'], name='user_by_former_email')],
                'constraints': [models.CheckConstraint(condition=models.Q(('former_email_digest', ''), ('is_active', False), _connector='OR'), name='user_without_address_is_inactive'), core.models.guards.StaffApart(name='user_staff_apart')],
            },
        ),
    ]
