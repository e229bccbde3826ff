"""What the operator's bank is told to pay: ISO 20022 pain.001.001.09, and a table.

Written here and not by a library: a message id that depends on the refunds alone is what keeps a bank from paying a
file twice (docs/dependencies.md).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from xml.etree import ElementTree as ET

from stdnum import bic, iban

from core.models import BankAccount, Refund
from core.money import money_text
from core.payees.latin import in_latin
from core.payees.references import on_paper
from core.problems import Conflict, ValidationError

MOST = 1000  # refunds in a file
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
COLUMNS = ("reference", "payee_name", "payee_account", "payee_bank", "amount", "currency", "message", "customer")


def refunds_to_pay(bank_account: BankAccount | None = None) -> list[Refund]:
    """Approved and not sent; of this account, or of all. Raises Conflict if there are more than a file takes."""
    refunds = Refund.objects.to_pay().select_related("account", "bank_account")
    if bank_account is not None:
        refunds = refunds.filter(bank_account=bank_account)
    found = list(refunds[: MOST + 1])
    if len(found) > MOST:
        raise Conflict(f"More than {MOST} refunds are approved: say which were sent first.")
    return found


def message_of(refund: Refund) -> str:
    """What the payee reads, in letters that every bank takes."""
    return f"Refund {on_paper(refund.reference)}"


def payout_csv(refunds: Sequence[Refund]) -> str:
    """A head and one row a refund, separated by commas, lines ending in CR LF (RFC 4180)."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for refund in refunds:
        table.writerow(
            [
                refund.reference,
                refund.payee_name,
                refund.payee_account,
                refund.payee_bank,
                money_text(refund.amount, refund.currency),
                refund.currency,
                message_of(refund),
                _plain(refund.account.name),
            ]
        )
    return out.getvalue()


def payout_pain001(refunds: Sequence[Refund], bank_account: BankAccount, *, on: date, now: datetime) -> bytes:
    """Orders of one account, for the day `on`. The same refunds give the same message id, by which banks refuse a
    second one.

    Raises ValidationError where the account does not say whose it is; Conflict for no refunds.
    """
    if not refunds:
        raise Conflict("No refund of this account waits to be paid.")
    if not bank_account.holder:
        raise ValidationError({"bank_account": [f"Say whose account {bank_account} is, as the bank has it (holder)."]})
    if any(refund.bank_account_id != bank_account.pk for refund in refunds):
        raise ValidationError({"bank_account": ["A file has the refunds of one account."]})
    total = sum((refund.amount for refund in refunds), Decimal(0))
    sums = {"NbOfTxs": str(len(refunds)), "CtrlSum": money_text(total, bank_account.currency)}
    message_id = _message_id(refunds)
    holder = _name(bank_account.holder, bank_account)
    document = ET.Element("Document", xmlns=NAMESPACE)
    root = ET.SubElement(document, "CstmrCdtTrfInitn")
    header = {"MsgId": message_id, "CreDtTm": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", **sums}
    _add(root, "GrpHdr", {**header, "InitgPty": {"Nm": holder}})
    batch = _add(
        root,
        "PmtInf",
        {
            "PmtInfId": message_id,
            "PmtMtd": "TRF",
            "BtchBookg": "false",  # a line for each on the statement
            **sums,
            **({"PmtTpInf": {"SvcLvl": {"Cd": "SEPA"}}} if _is_sepa(bank_account) else {}),
            "ReqdExctnDt": {"Dt": on.isoformat()},
            "Dbtr": {"Nm": holder},
            "DbtrAcct": {**_account(bank_account.iban or bank_account.number), "Ccy": bank_account.currency},
            "DbtrAgt": _agent(bank_account.bank) or {"FinInstnId": {"Othr": {"Id": "NOTPROVIDED"}}},
            "ChrgBr": "SLEV" if _is_sepa(bank_account) else "SHAR",
        },
    )
    for refund in refunds:
        order = _add(batch, "CdtTrfTxInf", {"PmtId": {"EndToEndId": refund.reference}})
        amount = ET.SubElement(ET.SubElement(order, "Amt"), "InstdAmt", Ccy=refund.currency)
        amount.text = money_text(refund.amount, refund.currency)
        payee = {"Nm": _name(refund.payee_name or "", bank_account, refund.payee_account or "")}
        agent = _agent(refund.payee_bank or "")
        _fill(order, {**({"CdtrAgt": agent} if agent else {}), "Cdtr": payee})
        _fill(order, {"CdtrAcct": _account(refund.payee_account or ""), "RmtInf": {"Ustrd": message_of(refund)}})
    xml: bytes = ET.tostring(document, "utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml


def _message_id(refunds: Sequence[Refund]) -> str:
    """At most 35 signs, by the refunds alone."""
    keys = " ".join(sorted(str(refund.pk) for refund in refunds))
    return f"CS{sha256(keys.encode()).hexdigest()[:30].upper()}"


def _is_sepa(bank_account: BankAccount) -> bool:
    return bool(bank_account.iban) and bank_account.currency == "EUR"


def _account(number: str) -> dict[str, object]:
    return {"Id": {"IBAN": number} if iban.is_valid(number) else {"Othr": {"Id": number}}}


def _agent(bank: str) -> dict[str, object]:
    if not bank:
        return {}
    known = {"BICFI": bank} if bic.is_valid(bank) else {"ClrSysMmbId": {"MmbId": bank}}
    return {"FinInstnId": known}


def _name(name: str, bank_account: BankAccount, payee_account: str = "") -> str:
    """SEPA takes Latin letters only; a payee was asked for them with the request."""
    return in_latin(name, country=(payee_account or bank_account.iban)[:2]) if _is_sepa(bank_account) else name


def _add(parent: ET.Element, tag: str, children: dict[str, object]) -> ET.Element:
    element = ET.SubElement(parent, tag)
    _fill(element, children)
    return element


def _fill(element: ET.Element, children: dict[str, object]) -> None:
    for tag, value in children.items():
        if isinstance(value, dict):
            _add(element, tag, value)
        else:
            ET.SubElement(element, tag).text = str(value)


def _plain(name: str) -> str:
    """Spreadsheets calculate with what begins with one of these signs."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
