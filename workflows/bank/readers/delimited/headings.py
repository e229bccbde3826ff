"""Words that banks write above columns, by what stands below them; folded."""

from __future__ import annotations

from workflows.bank.readers.delimited.profile import Profile, fold

_WORDS: dict[str, str] = {
    "date": """date|transaction date|txn date|trans date|tran date|posting date|posted date|post date|booking date
        |booked on|date processed|completed date|completion time|buchungstag|buchungsdatum|buchung|datum|fecha
        |fecha operacion|fecha de operacion|fecha contable|data|data lancamento|data do lancamento|data mov
        |data movimento|data operacao|date operation|date de l operation|date comptable|boekdatum|bokforingsdag|dato
        |tranzakcio datuma|konyveles datuma|data operacji|data ksiegowania""",
    "value_date": """value date|value dt|val date|valutadatum|valuta datum|wertstellung|wertstellungsdatum|wert
        |fecha valor|data valor|date valeur|date de valeur|rentedatum|valutadate|valuta date|erteknap|data waluty
        |effective date""",
    "other_date": "started date|initiation time|date started|authorised on|authorisation date",
    "amount": """amount|transaction amount|betrag|umsatz|importe|monto|valor|montant|bedrag|belopp|amount gbp
        |tranzakcio osszege|kwota|net|netto|total|importo""",
    "credit": """credit|credits|credit amount|deposit|deposits|deposit amt|deposit amount|paid in|money in|haben
        |gutschrift|abono|abonos|haber|credito|creditos|entrada|entradas|ingreso|ingresos|einnahmen|bij|recettes
        |lodgement|lodgements|cr""",
    "debit": """debit|debits|debit amount|withdrawal|withdrawals|withdrawal amt|withdrawal amount|withdrawn|paid out
        |money out|soll|lastschrift|cargo|cargos|debe|debito|debitos|saida|saidas|gasto|gastos|debet|ausgaben|af
        |depenses|payments|dr""",
    "sign": """d k|dr cr|cr dr|d c|c d|debit credit|credit debit|bevetel kiadas|soll haben|haben soll|s h|af bij
        |sign|dc|drcr|crdr|debit credit indicator|cd|balance impact|direction""",
    "balance": """balance|running balance|closing balance|account balance|saldo|kontostand|solde|egyenleg
        |saldo na trn|saldo nach buchung|balance after|book balance|ledger balance""",
    "fee": """fee|fees|total fees|charges|charge|gebuhr|gebuehr|gebuhren|comision|comissao|frais|taxe|commission
        |auslagenersatz rucklastschrift|auslagenersatz ruecklastschrift""",
    "gross": "gross|brutto|bruto|original amount|originalamount|oorspr bedrag|lastschrift ursprungsbetrag",
    "gross_currency": "originalcurrency|original currency|oorspr munt",
    "currency": """currency|ccy|curr|waehrung|wahrung|moneda|moeda|devise|munt|devizanem|tranzakcio devizaneme
        |account currency|transaction currency|currency code|waluta""",
    "status": """status|state|statetype|transaction status|info|estado|situacao|statut|booking status
        |buchungsstatus""",
    "kind": """type|transaction type|buchungstext|historico|reason type|subcategory|tranzakcio tipusa|art|umsatzart
        |tipo|category""",
    "payer": """name|payer name|payer|beneficiary|beguenstigter zahlungspflichtiger|begunstigter zahlungspflichtiger
        |beguenstigter auftraggeber|name zahlungsbeteiligter|auftraggeber empfanger|auftraggeber empfaenger|empfanger
        |zahlungspflichtiger|naam tegenpartij|other party info|other party|counterparty|counterparty name
        |partner neve|merchantname|merchant name|ordenante|beneficiario|nome|nom|payee""",
    "payer_account": """kontonummer|kontonummer iban|iban zahlungsbeteiligter|tegenrekening iban bban
        |rekeningnummer tegenpartij|partner szamlaszama|counterparty account|counterparty iban|from email address
        |payer account|beneficiary account""",
    "text": """description|details|narration|particulars|memo|narrative|remarks|remark|verwendungszweck|concepto
        |descripcion|descricao|libelle|libelle operation|omschrijving|omschrijving 1|omschrijving 2|omschrijving 3
        |vrije mededeling|transaction description|transaction details|purpose|text|buchungsdetails|mededelingen
        |kozlemeny|reszletek""",
    "reference": """reference|ref|ref no|ref no cheque no|chq ref no|cheque no|check or slip|check number
        |payment reference|instrument|instrument no|a c no|invoice number|client code|kundenreferenz end to end
        |betalingskenmerk|gestructureerde mededeling|reference no|linked transaction id|reference txn id
        |transactiereferentie|transaction reference|utr|referencia|number|doc no|document no
        |transaktionscode""",
    "bank_id": """transaction id|receipt no|transferwise id|volgnr|transactionid|trx id|trxid
        |transaction number""",
    "own_account": """account|account no|account number|auftragskonto|iban bban|rekeningnummer|szamlaszam
        |iban auftragskonto|own account""",
}  # fmt: skip
ROLE_OF = {fold(word): role for role, words in _WORDS.items() for word in words.split("|")}

# A column that a bank adds under one of these changes what a row says.
CONSEQUENTIAL = frozenset({"amount", "credit", "debit", "sign", "fee", "currency", "status"})


def role_of(heading: str) -> str:
    """ "" for a heading that says nothing known."""
    return ROLE_OF.get(fold(heading), "")


def new_columns(headings: list[str], used: set[int], profile: Profile) -> list[str]:
    """Headings that the profile does not know and that may change amount, currency or state of a row."""
    ignored = {word for column in profile.by_role("ignored") for word in column.folded}
    return [
        heading
        for index, heading in enumerate(headings)
        if index not in used and fold(heading) not in ignored and role_of(heading) in CONSEQUENTIAL
    ]
