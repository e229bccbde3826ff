from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from sepaxml.validation import try_valid_xml

from core.models import BankAccount, Refund
from core.problems import Conflict
from engine import perform
from tests.workflows.refunds.conftest import refused
from workflows.refunds import Payee, payout_csv, payout_pain001, refunds_to_pay

pytestmark = pytest.mark.django_db
DAY, NOW = date(2026, 11, 27), datetime(2026, 11, 27, 14, 5, tzinfo=UTC)
NAMES = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def pain001(account: BankAccount) -> bytes:
    """As it is written, after the schema of ISO 20022 has taken it."""
    xml = payout_pain001(refunds_to_pay(account), account, on=DAY, now=NOW)
    try_valid_xml(xml, "pain.001.001.09")
    return xml


def texts(xml: bytes, path: str) -> list[str]:
    return [found.text or "" for found in ET.fromstring(xml).iterfind(path, NAMES)]


def test_each_order_says_what_its_refund_says(overpaid, approved, bank_account):
    account = overpaid("100.00").account
    first = approved(account, "25.10")
    second = approved(account, "0.05", payee=Payee("Müller & Söhne GmbH", "AT611904300234573201", "BKAUATWW"))

    xml = pain001(bank_account)

    order = ".//p:CdtTrfTxInf/"
    assert texts(xml, f"{order}p:PmtId/p:EndToEndId") == [first.reference, second.reference]
    assert texts(xml, f"{order}p:Amt/p:InstdAmt") == ["25.10", "0.05"]
    assert texts(xml, f"{order}p:Cdtr/p:Nm") == ["Ann Example", "Muller + Sohne GmbH"]
    assert texts(xml, f"{order}p:CdtrAcct//p:IBAN") == [first.payee_account, second.payee_account]
    assert texts(xml, f"{order}p:CdtrAgt//p:BICFI") == ["BKAUATWW"]
    assert texts(xml, ".//p:NbOfTxs") == ["2", "2"]
    assert texts(xml, ".//p:CtrlSum") == ["25.15", "25.15"]
    assert texts(xml, ".//p:DbtrAcct//p:IBAN") == [bank_account.iban]
    assert texts(xml, ".//p:ReqdExctnDt/p:Dt") == ["2026-11-27"]


def test_same_refunds_have_the_same_message_id_and_others_another(overpaid, approved, bank_account):
    account = overpaid("100.00").account
    approved(account, "25.00")

    first, again = pain001(bank_account), pain001(bank_account)
    approved(account, "5.00")
    more = pain001(bank_account)

    [one], [same], [other] = (texts(xml, ".//p:MsgId") for xml in (first, again, more))
    assert one == same != other
    assert len(one) <= 35


def test_only_what_is_approved_and_not_sent_is_paid(overpaid, approved, requested, bookkeeper, bank_account):
    account = overpaid("100.00").account
    requested(account, "1.00")
    sent, to_pay = approved(account, "2.00"), approved(account, "3.00")
    perform(sent.mark_sent, by=bookkeeper, sent_on=DAY)

    assert refunds_to_pay(bank_account) == [to_pay]


def test_currencies_have_their_own_digits_and_no_sepa(overpaid, approved):
    dinars = BankAccount.objects.create(name="KWD", number="00112233", bank="NBOKKWKW", currency="KWD", holder="شركة")
    refund = approved(
        overpaid("40.00", currency="KWD").account, "5.125", currency="KWD", bank_account=dinars,
        payee=Payee("Ann", "99887766", "0012"),
    )  # fmt: skip

    xml = pain001(dinars)

    assert texts(xml, ".//p:InstdAmt") == ["5.125"]
    assert texts(xml, ".//p:CtrlSum") == ["5.125", "5.125"]
    assert texts(xml, ".//p:SvcLvl/p:Cd") == []
    assert texts(xml, ".//p:ChrgBr") == ["SHAR"]
    assert texts(xml, ".//p:CdtrAgt//p:MmbId") == ["0012"]
    assert texts(xml, ".//p:CdtrAcct//p:Othr/p:Id") == [refund.payee_account]


def test_yen_have_no_digits(overpaid, approved):
    yen = BankAccount.objects.create(name="JPY", number="1234567", bank="BOTKJPJT", currency="JPY", holder="Example")
    approved(
        overpaid("400", currency="JPY").account, "290", currency="JPY", bank_account=yen, payee=Payee("Ann", "7654321")
    )

    assert texts(pain001(yen), ".//p:InstdAmt") == ["290"]


def test_account_without_a_holder_and_an_empty_file_are_refused(overpaid, approved, bank_account):
    with pytest.raises(Conflict, match="No refund"):
        pain001(bank_account)
    approved(overpaid("40.00").account, "5.00")
    bank_account.holder = ""

    with refused("Say whose account"):
        pain001(bank_account)


def test_table_has_a_row_for_each_also_for_those_by_hand(overpaid, approved):
    account = overpaid("100.00").account
    approved(account, "25.00")
    approved(account, "5.00", bank_account=None, payee=Payee('Ann "the boss", Ltd'))

    head, *rows = csv.reader(io.StringIO(payout_csv(refunds_to_pay())))

    assert [dict(zip(head, row, strict=True))["amount"] for row in rows] == ["25.00", "5.00"]
    assert rows[1][1] == 'Ann "the boss", Ltd'
    assert Decimal(rows[0][4]) == Refund.objects.earliest("id").amount
