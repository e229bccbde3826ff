"""Made exports of banks and wallets: headings as their real ones, rows made up, and the lines that stand in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.delimited.reader import read

# day, amount, currency, payer, text (its first line)
Seen = tuple[date, Decimal, str, str, str]


@dataclass(frozen=True)
class Sheet:
    name: str
    profile: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    seen: tuple[Seen, ...]
    before: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"

    def data(self, headings: Sequence[str] | None = None, rows: Iterable[Sequence[str]] | None = None) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter)
        writer.writerows([*self.before, headings or self.headings, *(rows or self.rows), *self.after])
        return text.getvalue().encode(self.encoding)


def seen(data: bytes, profile: Profile | None = None) -> list[Seen]:
    """All booked lines of a file in its order."""
    found = []
    for statement in read(io.BytesIO(data), profile):
        for line in statement.lines:
            if not line.pending:
                text = line.text.split("\n")[0]
                found.append((line.row, (line.booked_on, line.amount, statement.currency, line.payer_name, text)))
    return [one for _, one in sorted(found, key=lambda item: item[0])]


def _seen(day: str, amount: str, currency: str, payer: str, text: str) -> Seen:
    return date.fromisoformat(day), Decimal(amount), currency, payer, text


SHEETS = (
    Sheet(
        "mpesa", "M-Pesa organisation statement",
        ("Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status", "Paid In", "Withdrawn",
         "Balance", "Balance Confirmed", "Reason Type", "Other Party Info", "Linked Transaction ID", "A/C No."),
        (
            ("QX2", "2026-05-17 11:00:00", "2026-05-17 10:59:00", "Pay Bill from 2547****9 - AMINA W Acc. K7",
             "Completed",
             "1,250.00", "", "3,250.00", "true", "Pay Bill Online", "2547****9 - AMINA W", "", "K7"),
            ("QX1", "16-05-2026 09:00:00", "16-05-2026 08:59:00", "Business Charge", "Completed", "", "-50.00",
             "2,000.00", "true", "Charge", "", "", ""),
            ("QX0", "2026-05-15 09:00:00", "2026-05-15 08:59:00", "Pay Bill", "Failed", "900.00", "", "2,050.00",
             "false",
             "Pay Bill Online", "2547****8 - JOHN", "", "K8"),
        ),
        (
            _seen("2026-05-17", "1250.00", "KES", "AMINA W", "Pay Bill from 2547****9 - AMINA W Acc. K7"),
            _seen("2026-05-16", "-50.00", "KES", "", "Business Charge"),
        ),
        before=(("Short Code", "123456"), ("Statement Period", "01-05-2026 to 31-05-2026")),
    ),
    Sheet(
        "hdfc", "HDFC Bank",
        ("Date", "Narration", "Chq./Ref.No.", "Value Dt", "Withdrawal Amt.", "Deposit Amt.", "Closing Balance"),
        (
            ("*****",) * 7,
            ("14/05/26", "NEFT CR-RAVI TRADERS-INV 77", "N100", "14/05/26", "", "2,75,000.00", "3,75,000.00"),
            ("15/05/26", "CHARGES", "0000", "15/05/26", "118.00", "", "3,74,882.00"),
        ),
        (
            _seen("2026-05-14", "275000.00", "INR", "", "NEFT CR-RAVI TRADERS-INV 77"),
            _seen("2026-05-15", "-118.00", "INR", "", "CHARGES"),
        ),
        before=(("HDFC BANK Ltd.",), ("Account No :50100",)),
        after=(
            ("STATEMENT SUMMARY :-",),
            ("Opening Balance", "Dr Count", "Cr Count", "Debits", "Credits", "Closing Bal"),
            ("1,00,000.00", "1", "1", "118.00", "2,75,000.00", "3,74,882.00"),
        ),
    ),
    Sheet(
        "sbi", "State Bank of India",
        ("Txn Date", "Value Date", "Description", "Ref No./Cheque No.", "        Debit", "Credit", "Balance"),
        (
            ("14 May 2026", "14 May 2026", "BY TRANSFER-NEFT*RAVI", "N100", " ", "2,500.00", "12,500.00"),
            ("15 May 2026", "15 May 2026", "TO TRANSFER-IMPS", "N101", "1,00,000.00", " ", "-87,500.00"),
        ),
        (
            _seen("2026-05-14", "2500.00", "INR", "", "BY TRANSFER-NEFT*RAVI"),
            _seen("2026-05-15", "-100000.00", "INR", "", "TO TRANSFER-IMPS"),
        ),
        before=(("Account Number", ":", "_000111"),),
        after=(("**This is a computer generated statement",),),
        delimiter="\t",
    ),
    Sheet(
        "wise", "Wise balance statement",
        ("TransferWise ID", "Date", "Amount", "Currency", "Description", "Payment Reference", "Running Balance",
         "Payer Name", "Payee Account Number", "Total fees"),
        (
            ("TRANSFER-2", "17-05-2026", "99.40", "EUR", "Received money from Ana", "INV 5", "199.40", "Ana", "",
             "0.60"),
            ("TRANSFER-1", "16-05-2026", "20.00", "USD", "Received money from Bo", "INV 6", "20.00", "Bo", "", "0.00"),
        ),
        (
            _seen("2026-05-17", "99.40", "EUR", "Ana", "Received money from Ana"),
            _seen("2026-05-16", "20.00", "USD", "Bo", "Received money from Bo"),
        ),
    ),
    Sheet(
        "paypal", "PayPal activity",
        ("Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net", "From Email Address",
         "Transaction ID", "Reference Txn ID", "Invoice Number", "Balance", "Balance Impact"),
        (
            ("17/05/2026", "10:00:00", "BST", "Ana", "General Payment", "Completed", "USD", "50.00", "-2.00", "48.00",
             "ana@example.com", "T1", "", "INV-5", "148.00", "Credit"),
            ("16/05/2026", "10:00:00", "BST", "Bo", "General Payment", "Pending", "USD", "50.00", "0.00", "50.00",
             "bo@example.com", "T0", "", "INV-6", "100.00", "Memo"),
        ),
        (_seen("2026-05-17", "48.00", "USD", "Ana", "INV-5"),),
        encoding="utf-8-sig",
    ),
    Sheet(
        "revolut", "Revolut",
        ("Type", "Product", "Started Date", "Completed Date", "Description", "Amount", "Fee", "Currency", "State",
         "Balance"),
        (
            ("TOPUP", "Current", "2026-05-17 10:00:00", "2026-05-17 10:00:01", "Payment from Ana", "70.00", "0.00",
             "EUR",
             "COMPLETED", "167.00"),
            ("TRANSFER", "Current", "2026-05-16 10:00:00", "2026-05-16 10:00:01", "To Bo", "-2.00", "1.00", "EUR",
             "COMPLETED", "97.00"),
            ("TOPUP", "Current", "2026-05-15 10:00:00", "", "Payment from Cy", "70.00", "0.00", "EUR", "PENDING", ""),
            ("TOPUP", "Current", "2026-05-15 10:00:00", "2026-05-15 10:00:00", "Payment from Di", "70.00", "0.00",
             "EUR",
             "REVERTED", ""),
        ),
        (
            _seen("2026-05-17", "70.00", "EUR", "", "Payment from Ana"),
            _seen("2026-05-16", "-3.00", "EUR", "", "To Bo"),
        ),
    ),
    Sheet(
        "sparkasse", "Sparkasse CSV-CAMT",
        ("Auftragskonto", "Buchungstag", "Valutadatum", "Buchungstext", "Verwendungszweck", "Glaeubiger ID",
         "Mandatsreferenz", "Kundenreferenz (End-to-End)", "Sammlerreferenz", "Lastschrift Ursprungsbetrag",
         "Auslagenersatz Ruecklastschrift", "Beguenstigter/Zahlungspflichtiger", "Kontonummer/IBAN",
         "BIC (SWIFT-Code)", "Betrag", "Waehrung", "Info"),
        (
            ("DE1", "17.05.26", "", "GUTSCHRIFT", "Rechnung 8", "", "", "NOTPROVIDED", "", "", "", "Jürgen Groß", "DE2",
             "", "1.200,00", "EUR", "Umsatz vorgemerkt"),
            ("DE1", "16.05.26", "16.05.26", "GUTSCHRIFT", "Rechnung 7", "", "", "E7", "", "", "", "Jürgen Groß", "DE2",
             "", "1.300,50", "EUR", "Umsatz gebucht"),
            ("DE1", "15.05.26", "15.05.26", "RETOURE", "RUECKGABE AC04", "", "", "E6", "", "40,00", "3,00", "Ida",
             "DE3", "", "-43,00", "EUR", "Umsatz gebucht"),
        ),
        (
            _seen("2026-05-16", "1300.50", "EUR", "Jürgen Groß", "Rechnung 7"),
            _seen("2026-05-15", "-43.00", "EUR", "Ida", "RUECKGABE AC04"),
        ),
        delimiter=";",
        encoding="cp1252",
    ),
    Sheet(
        "barclays", "Barclays",
        ("Number", "Date", "Account", "Amount", "Subcategory", "Memo"),
        (
            (" ", "17/05/2026", "20-00-00 12345678", "75.00", "Counter Credit", "A BAKER    \tINV9   BGC"),
            ("101", "16/05/2026", "20-00-00 12345678", "-30.00", "Cheque", "000101"),
        ),
        (
            _seen("2026-05-17", "75.00", "GBP", "A BAKER", "A BAKER    \tINV9   BGC"),
            _seen("2026-05-16", "-30.00", "GBP", "", "000101"),
        ),
    ),
    Sheet(
        "pix", "Extrato (Pix)",
        ("Data Lançamento", "Histórico", "Descrição", "Valor", "Saldo"),
        (
            ("17/05/2026", "Pix recebido", "Cp :1-JOÃO E1", "1.350,00", "1.850,00"),
            ("16/05/2026", "Tarifa", "PACOTE", "-20,00", "500,00"),
        ),
        (
            _seen("2026-05-17", "1350.00", "BRL", "", "Cp :1-JOÃO E1"),
            _seen("2026-05-16", "-20.00", "BRL", "", "PACOTE"),
        ),
        before=(("Conta", "77"),),
        delimiter=";",
        encoding="cp1252",
    ),
    Sheet(
        "nigeria", "Nigerian bank (NIP)",
        ("TRANS. DATE", "VALUE DATE", "NARRATION", "DEBIT", "CREDIT", "BALANCE"),
        (
            ("17-May-2026", "17-May-2026", "NIP/ADE/INV9", "", "₦12,000.00", "112,000.00 CR"),
            ("18-May-2026", "17-May-2026", "SMS CHARGE", "4.00", "", "111,996.00 CR"),
        ),
        (
            _seen("2026-05-17", "12000.00", "NGN", "", "NIP/ADE/INV9"),
            _seen("2026-05-18", "-4.00", "NGN", "", "SMS CHARGE"),
        ),
        before=(("Opening Balance:", "₦100,000.00"),),
        after=(("TOTAL", "", "", "4.00", "12,000.00", ""),),
    ),
    Sheet(
        "pakistan", "Pakistani bank (Raast, IBFT)",
        ("Date", "Particulars", "Instrument", "Debit", "Credit", "Balance"),
        (
            ("16-MAY-26", "OPENING BALANCE", "", "", "", "500.00 Cr"),
            ("17-MAY-26", "RAAST FROM BILAL", "R1", "", "1,20,000.00", "1,20,500.00 Cr"),
            ("18-MAY-26", "CHQ RETURN 9", "9", "1,21,000.00", "", "500.00 Dr"),
        ),
        (
            _seen("2026-05-17", "120000.00", "PKR", "", "RAAST FROM BILAL"),
            _seen("2026-05-18", "-121000.00", "PKR", "", "CHQ RETURN 9"),
        ),
    ),
    Sheet(
        "us_checking", "US checking",
        ("Details", "Posting Date", "Description", "Amount", "Type", "Balance", "Check or Slip #"),
        (
            ("CREDIT", "05/17/26", "ORIG CO NAME:ACME IND ID:INV9", "60.00", "ACH_CREDIT", "1,060.00", ""),
            ("DEBIT", "05/16/26", "WIRE FEE", "-15.00", "FEE_TRANSACTION", "1,000.00", ""),
        ),
        (
            _seen("2026-05-17", "60.00", "USD", "", "ORIG CO NAME:ACME IND ID:INV9"),
            _seen("2026-05-16", "-15.00", "USD", "", "WIRE FEE"),
        ),
    ),
    Sheet(
        "swedbank", "Swedbank Lithuania",
        ("Account No", "", "Date", "Beneficiary", "Details", "Amount", "Currency", "D/K", "Record ID", "Code",
         "Reference No", "Doc. No", "Code in payer IS", "Client code"),
        (
            ("LT1", "10", "2026-05-15", "", "Opening balance", "10.00", "EUR", "K", "", "AS", "", "", "", ""),
            ("LT1", "20", "2026-05-16", "IKI", "PIRKINYS", "4.00", "EUR", "D", "7", "K", "", "", "", ""),
            ("LT1", "20", "2026-05-17", "UAB", "Saskaita", "90.00", "EUR", "K", "7", "MK", "", "55", "", ""),
            ("LT1", "82", "2026-05-17", "", "Turnover", "4.00", "EUR", "D", "", "K2", "", "", "", ""),
            ("LT1", "82", "2026-05-17", "", "Turnover", "90.00", "EUR", "K", "", "K2", "", "", "", ""),
            ("LT1", "86", "2026-05-17", "", "Closing balance", "96.00", "EUR", "K", "", "LS", "", "", "", ""),
        ),
        (
            _seen("2026-05-16", "-4.00", "EUR", "IKI", "PIRKINYS"),
            _seen("2026-05-17", "90.00", "EUR", "UAB", "Saskaita"),
        ),
    ),
)  # fmt: skip
