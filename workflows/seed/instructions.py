"""How to pay, in Markdown: in English for all, and in the country's language.

{amount}, {currency}, {reference}, {due_date} and {account_name} are filled in for the customer's invoice.
"""
# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

INSTRUCTIONS = {
    "intl_wire": {
        "en": (
            "Send {amount} {currency} by international wire so that it arrives by {due_date}. "
            "Write {reference} in the payment details and choose the charges OUR, so that nothing is taken off. "
            "Then enter the reference of your bank here."
        ),
    },
    "cash_receipt": {
        "en": (
            "Bring {amount} {currency} in cash by {due_date} and name {account_name} and {reference}. "
            "Ask for a numbered receipt, and enter its number here."
        ),
    },
    "pk_bank_raast": {
        "en": (
            "Send {amount} {currency} by Raast or IBFT by {due_date}. "
            "Write {reference} in the remarks. Then enter the transaction ID here."
        ),
        "ur": (
            "براہِ کرم {due_date} تک Raast یا IBFT کے ذریعے {amount} {currency} بھیجیں۔ "
            "تفصیل میں {reference} لکھیں۔ پھر ٹرانزیکشن آئی ڈی یہاں درج کریں۔"
        ),
    },
    "pk_wallet": {
        "en": (
            "Send {amount} {currency} with JazzCash or Easypaisa by {due_date}. "
            "If the app asks for a note, write {reference}. Then enter the TID of the confirmation here."
        ),
        "ur": (
            "براہِ کرم {due_date} تک JazzCash یا Easypaisa سے {amount} {currency} بھیجیں۔ "
            "اگر ایپ نوٹ مانگے تو {reference} لکھیں۔ پھر تصدیقی پیغام میں دی گئی TID یہاں درج کریں۔"
        ),
    },
    "in_upi": {
        "en": (
            "Pay {amount} {currency} to our UPI ID by {due_date} and write {reference} in the note. "
            "Then enter the UTR of 12 digits here."
        ),
        "hi": (
            "कृपया {due_date} तक हमारी UPI ID पर {amount} {currency} भेजें और नोट में {reference} लिखें। "
            "इसके बाद 12 अंकों का UTR नंबर यहाँ दर्ज करें।"
        ),
    },
    "in_bank": {
        "en": (
            "Transfer {amount} {currency} by IMPS, NEFT or RTGS by {due_date}. "
            "Write {reference} in the remarks. Then enter the UTR here."
        ),
        "hi": (
            "कृपया {due_date} तक IMPS, NEFT या RTGS से {amount} {currency} भेजें। "
            "रिमार्क्स में {reference} लिखें। इसके बाद UTR नंबर यहाँ दर्ज करें।"
        ),
    },
    "bd_mfs": {
        "en": (
            "Pay {amount} {currency} with bKash, Nagad or Rocket by {due_date}. "
            "Write {reference} as the reference. Then enter the TrxID here."
        ),
        "bn": (
            "অনুগ্রহ করে {due_date} তারিখের মধ্যে bKash, Nagad বা Rocket দিয়ে {amount} {currency} পরিশোধ করুন। "
            "রেফারেন্স হিসেবে {reference} লিখুন। এরপর TrxID এখানে লিখুন।"
        ),
    },
    "ng_bank": {
        "en": (
            "Transfer {amount} {currency} from your bank by {due_date} and write {reference} in the narration. "
            "Then enter the session ID of the transfer here."
        ),
    },
    "ke_mpesa": {
        "en": (
            "In Lipa na M-Pesa choose Pay Bill and enter {reference} as the account number. "
            "Pay {amount} {currency} by {due_date}. Then enter the M-Pesa code here."
        ),
        "sw": (
            "Katika Lipa na M-Pesa chagua Pay Bill na uweke {reference} kama nambari ya akaunti. "
            "Lipa {amount} {currency} kufikia tarehe {due_date}. Kisha weka hapa nambari ya uthibitisho ya M-Pesa."
        ),
    },
    "br_pix": {
        "en": (
            "Send {amount} {currency} by Pix by {due_date} and write {reference} in the message. "
            "Then enter the transaction ID (EndToEndId) here."
        ),
        "pt-BR": (
            "Envie {amount} {currency} por Pix até {due_date} e escreva {reference} na mensagem. "
            "Depois, informe aqui o ID da transação (EndToEndId)."
        ),
    },
    "eu_sepa": {
        "en": (
            "Transfer {amount} {currency} by {due_date} and write {reference} as the remittance information. "
            "Then enter it here, with the name of the account holder."
        ),
        "de": (
            "Bitte überweisen Sie {amount} {currency} bis zum {due_date} mit dem Verwendungszweck {reference}. "
            "Geben Sie ihn danach hier an, zusammen mit dem Namen des Kontoinhabers."
        ),
    },
    "gb_fps": {
        "en": (
            "Send {amount} {currency} by Faster Payments by {due_date} and write {reference} as the reference. "
            "Copy our name exactly: your bank compares it. Then enter the reference here."
        ),
    },
    "us_bank": {
        "en": (
            "Pay {amount} {currency} by ACH, Fedwire or check by {due_date}. "
            "Write {reference} in the addenda or on the check. "
            "Then enter the trace number, IMAD or check number here."
        ),
    },
    "ae_bank": {
        "en": (
            "Transfer {amount} {currency} by UAEFTS or Aani by {due_date}. "
            "Write {reference} in the payment details. Then enter the reference of your bank here."
        ),
        "ar": (
            "يرجى تحويل {amount} {currency} عبر UAEFTS أو Aani في موعد أقصاه {due_date}. "
            "اكتب {reference} في تفاصيل التحويل. ثم أدخل هنا الرقم المرجعي من البنك."
        ),
    },
}
