#!/bin/sh
# Half of the time that an empty Django database takes to migrate can be constraints that stand beside their tables.
#
# Versions: Django 5.2.19 from PyPI, SQLite, CPython 3.11.7. Seen on 28 November 2026.
#
# `makemigrations` writes a CheckConstraint of a new model as an `AddConstraint` behind all `CreateModel`s, and
# `optimizemigration` finds nothing to optimise, for an AddConstraint counts as referring to every model. Each of them makes
# the state build its model and all that are related to it anew. Moved into `options` of CreateModel, where Django accepts
# them, the schema is the same. Forty models in a chain, one constraint each:
#
#   constraints       models built while migrating
#   as written        754
#   in CreateModel     40
#
# Why it matters here: an empty database took 10.6 s of CPU to migrate, and takes 5.1: each of the tests' processes makes
# one, and so does the first start.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m pip install -q --disable-pip-version-check --target "$folder" Django==5.2.19 2>"$folder/pip" || {
    cat "$folder/pip"
    exit 1
}
mkdir -p "$folder/shop/migrations"
: >"$folder/shop/__init__.py"
: >"$folder/shop/migrations/__init__.py"
cd "$folder"
PYTHONPATH=$folder "$python" - <<'PYTHON'
import io
import pathlib

COUNT = 40
text = "from django.db import models\n"
for n in range(COUNT):
    before = f"    before = models.ForeignKey('Model{n - 1}', models.PROTECT)\n" if n else ""
    text += (
        f"class Model{n}(models.Model):\n    amount = models.IntegerField()\n{before}    class Meta:\n"
        f"        constraints = [models.CheckConstraint(name='positive{n}', condition=models.Q(amount__gt=0))]\n"
    )
pathlib.Path("shop/models.py").write_text(text)

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.operations.models import AddConstraint, CreateModel
from django.db.migrations.state import ModelState

call_command("makemigrations", "shop", verbosity=0)
said = io.StringIO()
call_command("optimizemigration", "shop", "0001", stdout=said)
import shop.migrations  # noqa: E402
from importlib import import_module

migration = import_module("shop.migrations.0001_initial").Migration
apart = [one for one in migration.operations if isinstance(one, AddConstraint)]
assert len(apart) >= COUNT - 1, len(apart)
assert "No optimizations possible" in said.getvalue(), said.getvalue()

built = 0
render = ModelState.render


def counted(self, apps):
    global built
    built += 1
    return render(self, apps)


ModelState.render = counted


def migrated():
    global built
    connection.close()
    built = 0
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%CHECK (\"amount\" > 0)%'")
        assert cursor.fetchone() == (COUNT,)
    return built


as_written = migrated()
tables = {one.name.lower(): one for one in migration.operations if isinstance(one, CreateModel)}
for one in apart:
    tables[one.model_name].options.setdefault("constraints", []).append(one.constraint)
migration.operations = [one for one in migration.operations if one not in apart]
folded = migrated()
assert as_written > 3 * folded, (as_written, folded)
print(f"ok: {as_written} models are built while 40 constraints are added one by one, {folded} with them in their tables")
PYTHON
