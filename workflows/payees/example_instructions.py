"""The same words stand in mails and on pages, hence no "here"."""
# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

INSTRUCTIONS = {
    "intl_wire": {
        "en": (
            "Send {amount} {currency} by international wire so that it arrives by {due_date}. "
            "Write {reference} in the payment details and choose the charges OUR, so that nothing is taken off. "
            "Then tell us the reference of your bank."
        ),
        "ar": (
            "يرجى إرسال {amount} {currency} بحوالة دولية بحيث تصل في موعد أقصاه {due_date}. "
            "اكتب {reference} في تفاصيل الحوالة، واختر أن تتحمل جميع الرسوم (OUR) حتى لا يُخصم منها شيء. "
            "ثم أخبرنا بالرقم المرجعي من البنك."
        ),
    },
    "cash_receipt": {
        "en": (
            "Bring {amount} {currency} in cash by {due_date} and name {account_name} and {reference}. "
            "Ask for a numbered receipt, and tell us its number."
        ),
        "ar": (
            "أحضر {amount} {currency} نقدًا في موعد أقصاه {due_date}، واذكر {account_name} والرقم المرجعي {reference}. "
            "اطلب إيصالًا مرقّمًا، ثم أخبرنا برقمه."
        ),
    },
    "pk_bank_raast": {
        "en": (
            "Send {amount} {currency} by Raast or IBFT by {due_date}. "
            "Write {reference} in the remarks. Then tell us the transaction ID."
        ),
        "ur": (
            "براہِ کرم {due_date} تک Raast یا IBFT کے ذریعے {amount} {currency} بھیجیں۔ "
            "تفصیل میں {reference} لکھیں۔ پھر ہمیں ٹرانزیکشن آئی ڈی بتائیں۔"
        ),
    },
    "pk_wallet": {
        "en": (
            "Send {amount} {currency} with JazzCash or Easypaisa by {due_date}. "
            "If the app asks for a note, write {reference}. Then tell us the TID of the confirmation."
        ),
        "ur": (
            "براہِ کرم {due_date} تک JazzCash یا Easypaisa سے {amount} {currency} بھیجیں۔ "
            "اگر ایپ نوٹ مانگے تو {reference} لکھیں۔ پھر ہمیں تصدیقی پیغام میں دی گئی TID بتائیں۔"
        ),
    },
    "in_upi": {
        "en": (
            "Pay {amount} {currency} to our UPI ID by {due_date} and write {reference} in the note. "
            "Then tell us the UTR of 12 digits."
        ),
        "hi": (
            "कृपया {due_date} तक हमारी UPI ID पर {amount} {currency} भेजें और नोट में {reference} लिखें। "
            "इसके बाद हमें 12 अंकों का UTR नंबर बताएँ।"
        ),
    },
    "in_bank": {
        "en": (
            "Transfer {amount} {currency} by IMPS, NEFT or RTGS by {due_date}. "
            "Write {reference} in the remarks. Then tell us the UTR."
        ),
        "hi": (
            "कृपया {due_date} तक IMPS, NEFT या RTGS से {amount} {currency} भेजें। "
            "रिमार्क्स में {reference} लिखें। इसके बाद हमें UTR नंबर बताएँ।"
        ),
    },
    "bd_mfs": {
        "en": (
            "Pay {amount} {currency} with bKash, Nagad or Rocket by {due_date}. "
            "Write {reference} as the reference. Then tell us the TrxID."
        ),
        "bn": (
            "অনুগ্রহ করে {due_date} তারিখের মধ্যে bKash, Nagad বা Rocket দিয়ে {amount} {currency} পরিশোধ করুন। "
            "রেফারেন্স হিসেবে {reference} লিখুন। এরপর আমাদের TrxID জানান।"
        ),
    },
    "ng_bank": {
        "en": (
            "Transfer {amount} {currency} from your bank by {due_date} and write {reference} in the narration. "
            "Then tell us the session ID of the transfer."
        ),
    },
    "ke_mpesa": {
        "en": (
            "In Lipa na M-Pesa choose Pay Bill and enter {reference} as the account number. "
            "Pay {amount} {currency} by {due_date}. Then tell us the M-Pesa code."
        ),
        "sw": (
            "Katika Lipa na M-Pesa chagua Pay Bill na uweke {reference} kama nambari ya akaunti. "
            "Lipa {amount} {currency} kufikia tarehe {due_date}. Kisha tuambie nambari ya uthibitisho ya M-Pesa."
        ),
    },
    "br_pix": {
        "en": (
            "Send {amount} {currency} by Pix by {due_date} and write {reference} in the message. "
            "Then tell us the transaction ID (EndToEndId)."
        ),
        "pt-BR": (
            "Envie {amount} {currency} por Pix até {due_date} e escreva {reference} na mensagem. "
            "Depois, informe-nos o ID da transação (EndToEndId)."
        ),
    },
    "eu_sepa": {
        "en": (
            "Transfer {amount} {currency} by {due_date} and write {reference} as the remittance information. "
            "Then tell us so, with the name of the account holder."
        ),
        "de": (
            "Bitte überweisen Sie {amount} {currency} bis zum {due_date} mit dem Verwendungszweck {reference}. "
            "Teilen Sie uns das danach mit, zusammen mit dem Namen des Kontoinhabers."
        ),
    },
    "gb_fps": {
        "en": (
            "Send {amount} {currency} by Faster Payments by {due_date} and write {reference} as the reference. "
            "Copy our name exactly: your bank compares it. Then tell us the reference."
        ),
    },
    "us_bank": {
        "en": (
            "Pay {amount} {currency} by ACH, Fedwire or check by {due_date}. "
            "Write {reference} in the addenda or on the check. "
            "Then tell us the trace number, IMAD or check number."
        ),
    },
    "ae_bank": {
        "en": (
            "Transfer {amount} {currency} by UAEFTS or Aani by {due_date}. "
            "Write {reference} in the payment details. Then tell us the reference of your bank."
        ),
        "ar": (
            "يرجى تحويل {amount} {currency} عبر UAEFTS أو Aani في موعد أقصاه {due_date}. "
            "اكتب {reference} في تفاصيل التحويل. ثم أخبرنا بالرقم المرجعي من البنك."
        ),
    },
}
