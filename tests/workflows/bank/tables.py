"""Tables of a made-up bank that no profile knows."""

from __future__ import annotations

from tests.workflows.bank.statement_files import IBAN

HEADINGS = "Tag;Wer;Wofür;Summe;Stand"
COLUMNS = {"column_1": "date", "column_2": "payer", "column_3": "text", "column_4": "amount", "column_5": "balance"}


def table(*rows: str, headings: str = HEADINGS, iban: str = "") -> bytes:
    """iban: said above the table."""
    before = [f"IBAN:;{iban}"] if iban else []
    return "\n".join([*before, headings, *rows, ""]).encode()


MAY = table("13.05.2026;Ann;Rent;12,00;112,00", "14.05.2026;Bo;Fee;-2,00;110,00")
JUNE = table("13.06.2026;Cy;Rent;20,00;130,00", "14.06.2026;Bo;Fee;-2,00;128,00")
MOVED = table("130,00;13.06.2026;Rent;Cy;20,00", headings="Stand;Tag;Wofür;Wer;Summe")
OTHER = table("13.06.2026;Cy;Rent;20,00;130,00", headings="Tag;Wer;Wofür;Betrag;Rest")
NEW_FEE = table("13.06.2026;Cy;Rent;20,00;130,00;1,00", headings=f"{HEADINGS};Gebühr")
ROWS = ("13.05.2026;Ann;Rent;12,00;112,00", "14.05.2026;Bo;Fee;-2,00;110,00")
OF_ANOTHER = table(*ROWS, iban="DE89370400440532013000")
OURS = table(*ROWS, iban=IBAN)
