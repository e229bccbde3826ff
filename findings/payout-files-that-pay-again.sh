#!/bin/sh
# A payout file that passes the schema of ISO 20022 can pay everybody twice, or a hundredth.
#
# Versions: sepaxml 2.7.0 from PyPI (with xmlschema 4.3.2), CPython 3.11.7. Seen on 28 November 2026.
#
# `SepaTransfer.export()` is not a read: called a second time on one object, as one does to store what was just sent, it
# adds every order once more. The header then counts more than there is, for it sums its own old figures too, and the
# library's own XSD check passes: no schema compares figures. Two objects with the same transfers have different message ids, by which alone a bank knows a file again, and the
# id cannot be given. Amounts are cents in every currency: 2900 JPY are written as 29.00.
#
#   export()           orders  header says      XSD
#   first                   2  2, 30.00         passes
#   second, same object     4  6, 90.00         passes
#   another object          2  2, 30.00         passes, another MsgId
#
# Why it matters here: workflows/refunds/payout_file.py writes the file itself; its message id is a digest of the refunds.
# Its tests use this library's schema alone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m pip install -q --disable-pip-version-check --target "$folder" sepaxml==2.7.0 xmlschema==4.3.2 2>"$folder/pip" || {
    cat "$folder/pip"
    exit 1
}
PYTHONPATH=$folder "$python" - <<'PYTHON'
import datetime
import re

from sepaxml import SepaTransfer

SCHEMA = "pain.001.001.09"


def transfers(currency="EUR", amount=1500):
    made = SepaTransfer(
        {"name": "Example Ltd", "IBAN": "DE02120300000000202051", "batch": True, "currency": currency}, SCHEMA, clean=False
    )
    for name in ("Ann", "Bob"):
        made.add_payment(
            {
                "name": name,
                "IBAN": "DE89370400440532013000",
                "amount": amount,
                "execution_date": datetime.date(2026, 11, 30),
                "description": "Refund",
            }
        )
    return made


def facts(xml):
    text = xml.decode()
    header = text[: text.index("</GrpHdr>")]
    tag = lambda name: re.search(f"<{name}>([^<]*)<", header).group(1)  # noqa: E731
    return text.count("<CdtTrfTxInf>"), tag("NbOfTxs"), tag("CtrlSum"), tag("MsgId")


one = transfers()
first, second = facts(one.export()), facts(one.export())  # both are checked against the XSD
other = facts(transfers().export())
yen = transfers("JPY", 2900).export().decode()
assert first[:3] == (2, "2", "30.00"), first
assert second[:3] == (4, "6", "90.00"), second
assert first[3] == second[3] != other[3], (first, second, other)
assert ">29.00</InstdAmt>" in yen, yen
print("ok: a second export() of sepaxml 2.7.0 pays again, and the same transfers have another message id each time")
PYTHON
