#!/bin/sh
# Babel gives Arabic catalogs a plural rule that swaps CLDR's last two forms.
#
# Seen on 27 November 2026 with Babel 2.18.0, Python 3.11:
#   Babel, header of a new catalog:  11 -> form 5, 25 -> form 5, 100 -> form 4, 102 -> form 4
#   Babel, Locale("ar").plural_form: 11 -> many,   25 -> many,   100 -> other,  102 -> other
# The six forms are counted alike (nplurals=6) and translators know them in CLDR's order, zero one two few many other,
# so nothing fails: 918 of the counts from 0 to 1000 just have the wrong word. The same library's CLDR data disagree with
# its gettext table, and an update of a catalog keeps whatever header it was begun with.
#
# Why it matters here: `make messages` is Babel, Django reads what it compiles, and Arabic is a language of customers.
# Our catalogs have the header of Django's own, whose rule is CLDR's; tests/workflows/test_plural_forms.py holds them to that.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q --disable-pip-version-check babel==2.18.0 2>"$place/pip" || {
    cat "$place/pip"
    exit 1
}
"$place/venv/bin/python" - <<'PYTHON'
import gettext

from babel import Locale
from babel.messages import Catalog

COUNTS = (0, 1, 2, 3, 11, 25, 100, 102)
ORDER = ("zero", "one", "two", "few", "many", "other")

cldr = [ORDER.index(Locale("ar").plural_form(count)) for count in COUNTS]
catalog = Catalog(locale="ar")
babel = [gettext.c2py(catalog.plural_expr)(count) for count in COUNTS]
wrong = sum(
    gettext.c2py(catalog.plural_expr)(count) != ORDER.index(Locale("ar").plural_form(count)) for count in range(1001)
)

print("counts ", *COUNTS)
print("CLDR   ", *cldr)
print("Babel  ", *babel)
assert catalog.num_plurals == 6
assert cldr == [0, 1, 2, 3, 4, 4, 5, 5]
assert babel == [0, 1, 2, 3, 5, 5, 4, 4]
assert wrong == 918
print("ok: Babel 2.18.0 counts 25 with the last Arabic form and 100 with the one before, against its own CLDR data")
PYTHON
