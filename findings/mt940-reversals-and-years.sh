#!/bin/sh
# mt-940 reads money that a bank takes back as money that comes in, unless asked; and some bookings a year too early.
#
# Versions: mt-940 5.1.1 from PyPI, CPython 3.11.7. Seen on 28 November 2026, on a made-up statement that adds up.
#
#   :61: says                             mark   default             Options.all()
#   credit of 10.00                       C      10.00               10.00
#   a credit is taken back                RC     10.00               -10.00
#   a debit is taken back                 RD     10.00               10.00
#   value date 20 Nov 2024, booked 0105   C      5 January 2024      5 January 2024 (it is 2025)
#
# The sign is opt-in since 5.1 ("omit to parse exactly like release 5.0.0"), so an upgrade repairs nothing, and the mark is
# in `status` where few look. The day of booking has no year in the format; the library moves it to the next year only where
# the two days are 330 or more apart, so what a bank books late around New Year lands before its own value date by ten months.
#
# Why it matters here: a returned transfer would pay an invoice a second time. workflows/bank/readers/mt940.py takes the sign
# with all options, and the year that is nearest to the value date; tests/workflows/bank/readers/test_mt940.py holds it to both.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m pip install -q --disable-pip-version-check --no-deps --target "$folder" mt-940==5.1.1 2>"$folder/pip" || {
    cat "$folder/pip"
    exit 1
}
PYTHONPATH=$folder "$python" - <<'PYTHON'
import mt940

STATEMENT = """:20:MADEUP
:25:12345678/0000012345
:28C:1/1
:60F:C241119EUR100,00
:61:2411201120C10,00NTRFNONREF
:86:credit
:61:2411201120RC10,00NTRFNONREF
:86:credit taken back
:61:2411201120RD10,00NTRFNONREF
:86:debit taken back
:61:2411200105C10,00NTRFNONREF
:86:booked late
:62F:C250105EUR120,00
-
"""


def seen(**options):
    lines = [line.data for line in mt940.parse(STATEMENT, **options)]
    return [(line["status"], str(line["amount"].amount), line["entry_date"].isoformat()) for line in lines]


by_default, with_all = seen(), seen(options=mt940.Options.all())
for lines in zip(by_default, with_all, strict=True):
    print(*lines)
assert [amount for _, amount, _ in by_default] == ["10.00", "10.00", "10.00", "10.00"]
assert [amount for _, amount, _ in with_all] == ["10.00", "-10.00", "10.00", "10.00"]
assert [mark for mark, _, _ in by_default] == ["C", "RC", "RD", "C"]
assert by_default[-1][2] == with_all[-1][2] == "2024-01-05"
print("ok: mt-940 5.1.1 gives +10.00 for RC without options, and books 5 January 2025 in January 2024 with all of them")
PYTHON
