"""Words that banks use in cells, folded."""

from __future__ import annotations

import re

from workflows.bank.readers.delimited.profile import Label, fold


def _words(text: str) -> tuple[str, ...]:
    return tuple(fold(word) for word in text.split("|"))


STATES: dict[str, tuple[str, ...]] = {
    "booked": _words(
        "completed|booked|posted|settled|cleared|abgeschlossen|executed|success|successful|gebucht|umsatz gebucht"
        "|realizado|efetivado|completado"
    ),
    "pending": _words(
        "pending|umsatz vorgemerkt|vorgemerkt|authorised|authorized|reserved|offen|pendiente|pendente|processing"
        "|in progress"
    ),
    "dropped": _words(
        "failed|reverted|declined|cancelled|canceled|denied|rejected|expired|removed|abgelehnt|storniert|fallido"
    ),
}
STATE_OF = {word: state for state, words in STATES.items() for word in words}

SIGN_IN = frozenset({"c", "cr", "credit", "k", "in", "inflow", "h", "haben", "bij", "+", "kredit", "credito"})
SIGN_OUT = frozenset({"d", "dr", "debit", "db", "out", "outflow", "s", "soll", "af", "-", "debet", "debito"})

NO_LINES: dict[str, tuple[str, ...]] = {
    "opening": _words(
        "opening balance|balance brought forward|brought forward|saldo anterior|saldo inicial|anfangssaldo|b/f"
        "|solde initial"
    ),
    "closing": _words("closing balance|balance carried forward|carried forward|saldo final|endsaldo|c/f|solde final"),
    "turnover": _words("total|totals|turnover|summe|totales|totais|total turnover"),
}

LABELS = (
    Label(
        "account",
        (
            "Account No", "Account Number", "Account details for", "Short Code", "IBAN", "Kontonummer", "Conta",
            "Cuenta", "Konto",
        ),
    ),
    Label("currency", ("Currency", "Währung", "Moneda", "Moeda", "Devise", "Account Currency")),
    Label("opening", ("Opening Balance", "Saldo inicial", "Anfangssaldo")),
    Label("closing", ("Closing Balance", "Closing Bal", "Saldo final", "Endsaldo")),
    Label("debit_lines", ("Dr Count", "Debit Count")),
    Label("credit_lines", ("Cr Count", "Credit Count")),
    Label("debits", ("Debits", "Total Debits", "Total Debit")),
    Label("credits", ("Credits", "Total Credits", "Total Credit")),
)  # fmt: skip

SAYS_IN = re.compile(
    r"\b(?:credit|cr|gutschr\w*|deposit|received|eingang|topup|abono|recebid[oa]|inward|refund)\b", re.IGNORECASE
)
SAYS_OUT = re.compile(
    r"\b(?:debit|dr|\w*lastschrift|fee|charges?|withdrawal|purchase|pos|atm|payment to|check|cheque|tarifa|transfer to"
    r"|retoure|entgelt|einkauf)\b",
    re.IGNORECASE,
)
