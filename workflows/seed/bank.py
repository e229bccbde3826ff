"""A bank of the demo's own: an account, and what it would say today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

from core.models import BankAccount, Invoice, Payment, PaymentMethod
from workflows.periods import database_now, today_in

NAME, NUMBER, CURRENCY = "Demo bank", "000123456789", "USD"
OPENING = Decimal("1000.00")
MOST = 30  # lines of each sort


@dataclass(frozen=True)
class _Line:
    amount: Decimal
    text: str
    payer: str = ""


def seed_bank_account() -> int:
    facts = {"number": NUMBER, "currency": CURRENCY, "holder": "Example Demo Ltd"}  # so that it can pay refunds
    account, is_new = BankAccount.objects.get_or_create(name=NAME, defaults=facts)
    if is_new:
        account.payment_methods.set(PaymentMethod.objects.filter(is_demo=True, currency__in=[CURRENCY, ""]))
    return int(is_new)


def has_demo_bank() -> bool:
    return BankAccount.objects.filter(name=NAME, number=NUMBER).exists()


def demo_statement() -> bytes:
    """A CAMT.053 in which the demo's open claims and invoices have been paid, most of them rightly."""
    lines, day = list(_lines()), today_in("UTC", database_now())
    closing = OPENING + sum((line.amount for line in lines), Decimal(0))
    entries = "".join(_entry(line, day) for line in lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>DEMO</MsgId></GrpHdr><Stmt><Id>{day:%Y%m%d}</Id>"
        f"<Acct><Id><Othr><Id>{NUMBER}</Id></Othr></Id><Ccy>{CURRENCY}</Ccy></Acct>"
        f"{_balance('OPBD', OPENING, day)}{_balance('CLBD', closing, day)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _lines() -> Iterator[_Line]:
    claims = Payment.objects.filter(status=Payment.Status.PENDING_APPROVAL, currency=CURRENCY, invoice__isnull=False)
    claimed = list(claims.select_related("account", "invoice").order_by("id")[:MOST])
    for number, claim in enumerate(claimed):
        assert claim.invoice is not None
        kept = Decimal("12.00") if number == 1 and claim.amount > 12 else Decimal(0)
        yield _Line(claim.amount - kept, f"{claim.reference} {claim.invoice.payment_reference}", claim.account.name)
    invoices = Invoice.objects.filter(status__in=Invoice.OPEN, currency=CURRENCY).exclude(
        pk__in=[claim.invoice_id for claim in claimed]
    )
    for invoice in invoices.select_related("account").order_by("id")[:MOST]:
        yield _Line(invoice.outstanding, f"payment {invoice.payment_reference.lower()}", invoice.account.name)
    yield _Line(Decimal("150.00"), "thank you for the workshop", "Somebody Unknown")
    yield _Line(Decimal("-9.90"), "account fee")


def _balance(code: str, amount: Decimal, day: date) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{CURRENCY}">{abs(amount):.2f}</Amt>'
        f"<CdtDbtInd>{_sign(amount)}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(line: _Line, day: date) -> str:
    side = "Dbtr" if line.amount > 0 else "Cdtr"
    return (
        f'<Ntry><Amt Ccy="{CURRENCY}">{abs(line.amount):.2f}</Amt><CdtDbtInd>{_sign(line.amount)}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><NtryDtls><TxDtls>"
        f"<RltdPties><{side}><Pty><Nm>{escape(line.payer)}</Nm></Pty></{side}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _sign(amount: Decimal) -> str:
    return "CRDT" if amount >= 0 else "DBIT"
