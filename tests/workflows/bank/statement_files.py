"""Statements of a made-up bank, as CAMT.053."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from xml.sax.saxutils import escape

IBAN = "DE02100100100006820101"
OTHER_IBAN = "DE02120300000000202051"


@dataclass(frozen=True)
class Row:
    amount: str  # signed
    text: str = ""
    day: str = "2026-03-04"
    payer: str = ""
    payer_iban: str = ""
    pending: bool = False
    is_return: bool = False


def camt(
    *rows: Row,
    opening: str = "100.00",
    closing: str | None = None,
    iban: str = IBAN,
    currency: str = "EUR",
    days: tuple[str, str] | None = None,
) -> bytes:
    """closing: what it is by itself, where it is not given. days: its period, else that of its balances."""
    booked = sum((Decimal(row.amount) for row in rows if not row.pending), Decimal(0))
    last = Decimal(closing) if closing is not None else Decimal(opening) + booked
    entries = "".join(_entry(row, currency) for row in rows)
    period = f"<FrToDt><FrDt>{days[0]}</FrDt><ToDt>{days[1]}</ToDt></FrToDt>" if days else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>7</Id>{period}<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance('OPBD', Decimal(opening), currency)}{_balance('CLBD', last, currency)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, amount: Decimal, currency: str) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{_sign(amount)}</CdtDbtInd><Dt><Dt>2026-03-04</Dt></Dt></Bal>"
    )


def _entry(row: Row, currency: str) -> str:
    amount = Decimal(row.amount)
    side = "Dbtr" if amount > 0 else "Cdtr"
    party = f"<{side}><Pty><Nm>{escape(row.payer)}</Nm></Pty></{side}>" if row.payer else ""
    if row.payer_iban:
        party += f"<{side}Acct><Id><IBAN>{row.payer_iban}</IBAN></Id></{side}Acct>"
    back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if row.is_return else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{abs(amount)}</Amt><CdtDbtInd>{_sign(amount)}</CdtDbtInd>'
        f"<Sts><Cd>{'PDNG' if row.pending else 'BOOK'}</Cd></Sts><BookgDt><Dt>{row.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{row.day}</Dt></ValDt><NtryDtls><TxDtls><RltdPties>{party}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(row.text)}</Ustrd></RmtInf>{back}</TxDtls></NtryDtls></Ntry>"
    )


def _sign(amount: Decimal) -> str:
    return "CRDT" if amount >= 0 else "DBIT"
