"""How banks and wallets write their exports, as far as it was seen: each is known by its headings."""

from __future__ import annotations

import csv

from workflows.bank.readers.delimited.headings import new_columns
from workflows.bank.readers.delimited.layout import headed_layout
from workflows.bank.readers.delimited.profile import MAX_PREAMBLE_ROWS, Column, Label, Profile, RowRule, fold
from workflows.bank.readers.delimited.rows import head_text


def _column(role: str, *headings: str, optional: bool = False, position: int = 0) -> Column:
    return Column(role, headings, position, optional)


def _ignored(*headings: str) -> Column:
    return Column("ignored", headings, optional=True)


MPESA = Profile(
    name="M-Pesa organisation statement",
    columns=(
        _column("bank_id", "Receipt No.", "Receipt No"),
        _column("date", "Completion Time"),
        _column("other_date", "Initiation Time", optional=True),
        _column("text", "Details"),
        _column("status", "Transaction Status"),
        _column("credit", "Paid In"),
        _column("debit", "Withdrawn"),
        _column("balance", "Balance"),
        _column("kind", "Reason Type", optional=True),
        _column("payer", "Other Party Info", optional=True),
        _column("reference", "A/C No.", optional=True),
        _column("reference", "Linked Transaction ID", optional=True),
        _ignored("Balance Confirmed"),
        _column("currency", "Currency", optional=True),
    ),
    dates=("yyyy-mm-dd", "dd-mm-yyyy"),
    currency="KES",
    debits_are="either",  # negative in one export, positive in another
    booked_words=("Completed",),
    pending_words=("Pending", "Authorized", "Initiated"),
    dropped_words=("Failed", "Declined", "Cancelled", "Expired"),
    return_words=("Transaction Reversal", "Reversal of"),
    labels=(Label("account", ("Short Code",)),),
    payer_separator=" - ",
    payer_parts="account_name",
)

HDFC = Profile(
    name="HDFC Bank",
    columns=(
        _column("date", "Date"),
        _column("text", "Narration"),
        _column("reference", "Chq./Ref.No.", "Chq/Ref Number"),
        _column("value_date", "Value Dt", "Value Date"),
        _column("debit", "Withdrawal Amt.", "Debit Amount"),
        _column("credit", "Deposit Amt.", "Credit Amount"),
        _column("balance", "Closing Balance"),
    ),
    dates=("dd/mm/yy", "dd/mm/yyyy"),
    lakh=True,
    currency="INR",
    return_words=("REV-", "CHQ DEP RET", "RETURN-"),
    row_rules=(RowRule("footer", ("STATEMENT SUMMARY*",)),),
    labels=(
        Label("account", ("Account No", "Account Number")),
        Label("opening", ("Opening Balance",)),
        Label("closing", ("Closing Bal", "Closing Balance")),
        Label("debit_lines", ("Dr Count",)),
        Label("credit_lines", ("Cr Count",)),
        Label("debits", ("Debits",)),
        Label("credits", ("Credits",)),
    ),
)

SBI = Profile(
    name="State Bank of India",
    delimiter="\t",
    columns=(
        _column("date", "Txn Date"),
        _column("value_date", "Value Date"),
        _column("text", "Description"),
        _column("reference", "Ref No./Cheque No."),
        _column("debit", "Debit"),
        _column("credit", "Credit"),
        _column("balance", "Balance"),
        _ignored("Branch Code"),
    ),
    dates=("d mmm yyyy",),
    lakh=True,
    currency="INR",
    row_rules=(RowRule("footer", ("This is a computer generated*",)),),
    labels=(Label("account", ("Account Number",)),),
)

WISE = Profile(
    name="Wise balance statement",
    columns=(
        _column("bank_id", "TransferWise ID", "Wise ID"),
        _column("date", "Date", "Datum", "Fecha", "Data"),
        _column("amount", "Amount", "Betrag", "Importe", "Valor", "Montant"),
        _column("currency", "Currency", "Währung", "Moneda", "Moeda", "Devise"),
        _column("text", "Description", "Beschreibung", "Descripción", "Descrição"),
        _column("reference", "Payment Reference", "Verwendungszweck", "Referencia de pago"),
        _column("balance", "Running Balance", "Laufender Saldo", "Saldo corriente"),
        _column("payer", "Payer Name", "Name des Zahlers", "Nombre del pagador"),
        _column("payer_account", "Payee Account Number", optional=True),
        _column("fee", "Total fees", "Gesamtgebühren", "Comisiones totales"),
        _ignored("Exchange To Amount"),
    ),
    dates=("dd-mm-yyyy",),
)

PAYPAL = Profile(
    name="PayPal activity",
    columns=(
        _column("date", "Date", "Datum", "Fecha", "Data"),
        _column("payer", "Name", "Nombre", "Nome"),
        _column("kind", "Type", "Typ", "Tipo"),
        _column("status", "Status", "Estado"),
        _column("currency", "Currency", "Währung", "Divisa", "Moeda"),
        _column("gross", "Gross", "Brutto", "Bruto"),
        _column("fee", "Fee", "Gebühr", "Tarifa", "Comisión"),
        _column("amount", "Net", "Netto", "Neto", "Líquido"),
        _column("payer_account", "From Email Address", "Absender E-Mail-Adresse", optional=True),
        _column("bank_id", "Transaction ID", "Transaktionscode", "Id. de transacción"),
        _column("reference", "Invoice Number", "Rechnungsnummer", "Número de factura", optional=True),
        _column("reference", "Reference Txn ID", "Zugehöriger Transaktionscode", optional=True),
        _column("balance", "Balance", "Guthaben", "Saldo"),
        _ignored("Balance Impact", "Auswirkung auf Guthaben"),
        _column("text", "Subject", "Note", "Betreff", optional=True),
    ),
    dates=("dd/mm/yyyy", "mm/dd/yyyy", "dd.mm.yyyy", "yyyy-mm-dd"),  # by the country of the user: all rows decide
    fee_sign="-",
    booked_words=("Completed", "Abgeschlossen", "Completado"),
    pending_words=("Pending", "Offen", "Pendiente"),
    dropped_words=("Denied", "Cancelled", "Canceled", "Expired", "Removed", "Abgelehnt", "Storniert"),
    return_words=("Payment Reversal", "Reversal", "Refund", "Payment Refund", "Chargeback"),
)

REVOLUT = Profile(
    name="Revolut",
    columns=(
        _column("kind", "Type"),
        _column("date", "Completed Date"),
        _column("other_date", "Started Date"),
        _column("text", "Description"),
        _column("amount", "Amount"),
        _column("fee", "Fee"),
        _column("currency", "Currency"),
        _column("status", "State"),
        _column("balance", "Balance"),
    ),
    dates=("yyyy-mm-dd",),
    fee_is="beside",
    booked_words=("COMPLETED",),
    pending_words=("PENDING",),
    dropped_words=("REVERTED", "DECLINED", "FAILED"),
    return_words=("REFUND", "CHARGEBACK"),
)

SPARKASSE = Profile(
    name="Sparkasse CSV-CAMT",
    delimiter=";",
    columns=(
        _column("own_account", "Auftragskonto"),
        _column("date", "Buchungstag"),
        _column("value_date", "Valutadatum"),
        _column("kind", "Buchungstext"),
        _column("text", "Verwendungszweck"),
        _column("reference", "Kundenreferenz (End-to-End)"),
        _column("gross", "Lastschrift Ursprungsbetrag"),
        _column("fee", "Auslagenersatz Ruecklastschrift", "Auslagenersatz Rücklastschrift"),
        _column("payer", "Beguenstigter/Zahlungspflichtiger", "Begünstigter/Zahlungspflichtiger"),
        _column("payer_account", "Kontonummer/IBAN"),
        _column("amount", "Betrag"),
        _column("currency", "Waehrung", "Währung"),
        _column("status", "Info"),
    ),
    dates=("dd.mm.yy", "dd.mm.yyyy"),
    decimal=",",
    grouping=".",
    booked_words=("Umsatz gebucht",),
    pending_words=("Umsatz vorgemerkt",),
    return_words=("RETOURE", "RÜCKLASTSCHRIFT", "RUECKLASTSCHRIFT", "RUECKUEBERWEISUNG"),
)

SPARKASSE_MT940 = Profile(
    name="Sparkasse CSV-MT940",
    delimiter=";",
    columns=(
        _column("own_account", "Auftragskonto"),
        _column("date", "Buchungstag"),
        _column("value_date", "Valutadatum"),
        _column("kind", "Buchungstext"),
        _column("text", "Verwendungszweck"),
        _column("payer", "Beguenstigter/Zahlungspflichtiger", "Begünstigter/Zahlungspflichtiger"),
        _column("payer_account", "Kontonummer"),
        _ignored("BLZ"),
        _column("amount", "Betrag"),
        _column("currency", "Waehrung", "Währung"),
        _column("status", "Info"),
    ),
    dates=SPARKASSE.dates,
    decimal=",",
    grouping=".",
    booked_words=SPARKASSE.booked_words,
    pending_words=SPARKASSE.pending_words,
    return_words=SPARKASSE.return_words,
)

BARCLAYS = Profile(
    name="Barclays",
    columns=(
        _column("reference", "Number"),
        _column("date", "Date"),
        _column("own_account", "Account"),
        _column("amount", "Amount"),
        _column("kind", "Subcategory"),
        _column("text", "Memo"),
        _column("payer", "Memo"),
        _column("currency", "Currency", optional=True),
    ),
    dates=("dd/mm/yyyy",),
    currency="GBP",
    payer_separator="\t",
)

PIX = Profile(
    name="Extrato (Pix)",
    delimiter=";",
    columns=(
        _column("date", "Data Lançamento"),
        _column("kind", "Histórico"),
        _column("text", "Descrição"),
        _column("amount", "Valor"),
        _column("balance", "Saldo"),
    ),
    dates=("dd/mm/yyyy",),
    decimal=",",
    grouping=".",
    currency="BRL",
    return_words=("Pix devolvido", "Devolução", "Estorno"),
    labels=(Label("account", ("Conta",)),),
)

NIGERIA = Profile(
    name="Nigerian bank (NIP)",
    columns=(
        _column("date", "TRANS. DATE", "Trans Date", "Transaction Date"),
        _column("value_date", "VALUE DATE"),
        _column("text", "NARRATION"),
        _column("debit", "DEBIT"),
        _column("credit", "CREDIT"),
        _column("balance", "BALANCE"),
    ),
    dates=("dd-mmm-yyyy",),
    currency="NGN",
    return_words=("REV:", "RVSL", "REVERSAL"),
    row_rules=(RowRule("turnover", ("TOTAL", "TOTALS")),),
    labels=(Label("account", ("Account No", "Account Number")), Label("opening", ("Opening Balance",))),
)

PAKISTAN = Profile(
    name="Pakistani bank (Raast, IBFT)",
    columns=(
        _column("date", "Date"),
        _column("text", "Particulars"),
        _column("reference", "Instrument"),
        _column("debit", "Debit"),
        _column("credit", "Credit"),
        _column("balance", "Balance"),
    ),
    dates=("dd-mmm-yy",),
    lakh=True,
    currency="PKR",
    return_words=("CHQ RETURN", "CHEQUE RETURN", "REVERSAL"),
    row_rules=(
        RowRule("opening", ("OPENING BALANCE",), "text"),
        RowRule("closing", ("CLOSING BALANCE",), "text"),
    ),
)

US_CHECKING = Profile(
    name="US checking",
    columns=(
        _column("code", "Details"),
        _column("date", "Posting Date"),
        _column("text", "Description"),
        _column("amount", "Amount"),
        _column("kind", "Type"),
        _column("balance", "Balance"),
        _column("reference", "Check or Slip #"),
    ),
    dates=("mm/dd/yy", "mm/dd/yyyy"),
    currency="USD",
    return_words=("DEPOSIT_RETURN", "DEPOSITED ITEM RETURNED", "ACH_RETURN"),
)

RABOBANK = Profile(
    name="Rabobank",
    columns=(
        _column("own_account", "IBAN/BBAN"),
        _column("currency", "Munt"),
        _column("bank_id", "Volgnr"),
        _column("date", "Datum"),
        _column("value_date", "Rentedatum"),
        _column("amount", "Bedrag"),
        _column("balance", "Saldo na trn"),
        _column("payer_account", "Tegenrekening IBAN/BBAN"),
        _column("payer", "Naam tegenpartij"),
        _column("kind", "Code"),
        _column("reference", "Transactiereferentie"),
        _column("reference", "Betalingskenmerk"),
        _column("text", "Omschrijving-1"),
        _column("text", "Omschrijving-2"),
        _column("text", "Omschrijving-3"),
        _column("gross", "Oorspr bedrag"),
        _column("gross_currency", "Oorspr munt"),
    ),
    dates=("yyyy-mm-dd",),
    decimal=",",
    grouping="",
)

KBC = Profile(
    name="KBC",
    delimiter=";",
    columns=(
        _column("own_account", "Rekeningnummer"),
        _column("currency", "Munt"),
        _column("date", "Datum"),
        _column("value_date", "Valuta"),
        _column("text", "Omschrijving"),
        _column("text", "Vrije mededeling"),
        _column("amount", "Bedrag"),
        _column("balance", "Saldo"),
        _ignored("credit"),
        _ignored("debet"),
        _column("payer_account", "rekeningnummer tegenpartij"),
        _column("payer", "Naam tegenpartij"),
        _column("reference", "gestructureerde mededeling"),
    ),
    dates=("dd/mm/yyyy",),
    decimal=",",
    grouping="",
)

SWEDBANK_LT = Profile(
    name="Swedbank Lithuania",
    columns=(
        _column("own_account", "Account No"),
        _column("date", "Date"),
        _column("payer", "Beneficiary"),
        _column("text", "Details"),
        _column("amount", "Amount"),
        _column("currency", "Currency"),
        _column("sign", "D/K"),
        _column("code", "Code"),
        _column("reference", "Client code"),
        _column("reference", "Reference No"),
        _column("reference", "Doc. No"),
    ),
    dates=("yyyy-mm-dd",),
    grouping="",
    sign_in=("K",),
    sign_out=("D",),
    row_rules=(
        RowRule("opening", ("AS",), "code"),
        RowRule("turnover", ("K2",), "code"),
        RowRule("closing", ("LS",), "code"),
    ),
)

OCBC = Profile(
    name="OCBC",
    columns=(
        _column("date", "Transaction date"),
        _column("value_date", "Value date"),
        _column("text", "Description"),
        _column("debit", "Withdrawals (SGD)"),
        _column("credit", "Deposits (SGD)"),
    ),
    dates=("dd/mm/yyyy",),
    currency="SGD",
    continuation=True,
    labels=(Label("account", ("Account details for",)),),
)

MS_CARD = Profile(
    name="M&S card",
    columns=(
        _column("date", "Date Processed"),
        _column("text", "Description"),
        _column("amount", "Amount"),
        _column("sign", position=4),
    ),
    dates=("dd-mmm-yyyy",),
    currency="GBP",
    sign_in=("CR",),
    unmarked="out",
    pending_words=("Pending",),
)

VISECA = Profile(
    name="Viseca card",
    columns=(
        _column("bank_id", "TransactionId"),
        _column("date", "Date"),
        _column("value_date", "ValutaDate"),
        _column("amount", "Amount"),
        _column("currency", "Currency"),
        _column("gross", "OriginalAmount"),
        _column("gross_currency", "OriginalCurrency"),
        _column("payer", "MerchantName"),
        _column("status", "StateType"),
        _column("text", "Details"),
        _column("kind", "Type"),
    ),
    dates=("yyyy-mm-dd",),
    grouping="",
    decimals=3,
    positive_is="out",
    booked_words=("BOOKED",),
    pending_words=("PENDING", "RESERVED"),
)

ERSTE_HU = Profile(
    name="Erste Hungary",
    columns=(
        _column("date", "Tranzakció dátuma"),
        _column("payer", "Partner neve"),
        _column("payer_account", "Partner számlaszáma"),
        _column("own_account", "Számlaszám"),
        _column("kind", "Tranzakció típusa"),
        _column("amount", "Tranzakció összege"),
        _column("currency", "Tranzakció devizaneme"),
        _column("sign", "Bevétel/Kiadás"),
        _column("value_date", "Értéknap"),
        _column("text", "Közlemény"),
        _column("text", "Részletek"),
        _column("bank_id", "Megbízás azonosító"),
        _column("balance", "Egyenleg"),
        _ignored("Devizanem"),
    ),
    dates=("yyyy.mm.dd.",),
    grouping="",
    sign_in=("inflow", "bevétel"),
    sign_out=("outflow", "kiadás"),
)

PROFILES = (
    MPESA, HDFC, SBI, WISE, PAYPAL, REVOLUT, SPARKASSE, SPARKASSE_MT940, BARCLAYS, PIX, NIGERIA, PAKISTAN, US_CHECKING,
    RABOBANK, KBC, SWEDBANK_LT, OCBC, MS_CARD, VISECA, ERSTE_HU,
)  # fmt: skip


def find_profile(head: bytes) -> Profile | None:
    """The made profile whose headings stand in these bytes; None where none fits, or two as well as each other."""
    lines = {encoding: _lines(head, encoding) for encoding in {profile.encoding for profile in PROFILES}}
    fitting = [(count, profile) for profile in PROFILES if (count := _columns_found(lines[profile.encoding], profile))]
    best = max((count for count, _ in fitting), default=0)
    found = [profile for count, profile in fitting if count == best]
    return found[0] if len(found) == 1 else None


def made_profile(name: str) -> Profile | None:
    return next((profile for profile in PROFILES if fold(profile.name) == fold(name)), None)


def columns_found(head: bytes, profile: Profile) -> int:
    """How many columns of the profile the file has; 0 where a needed one is missing or a consequential one is new."""
    return _columns_found(_lines(head, profile.encoding), profile)


def _lines(head: bytes, encoding: str) -> list[str]:
    text = head_text(head, encoding)
    return [] if text is None else text.split("\n")[: 2 * MAX_PREAMBLE_ROWS]


def _columns_found(lines: list[str], profile: Profile) -> int:
    reader = csv.reader(lines, delimiter=profile.delimiter, quotechar=profile.quote or None)
    try:
        for cells in reader:
            layout = headed_layout(cells, profile)
            if layout is not None:
                used = {place for places in layout.places.values() for place in places}
                return 0 if new_columns(cells, used, profile) else len(used)
    except csv.Error:
        return 0
    return 0
