"""Every page by who sees it; test_pages.py fails when one is missing."""

from __future__ import annotations

STRANGER = [
    "/",
    "/login/",
    "/signup/",
    "/signup/?plan=growth&country=AE&currency=AED",
    "/password/reset/",
    "/password/reset/nonsense/",
    "/invitation/nonsense/",
    "/verify/nonsense/",
    "/verify/billing/nonsense/",
    "/problems/",
    "/problems/wrong-state",
]
CUSTOMER = [
    "/app/",
    "/app/invoices/",
    "/app/invoices/{invoice}/",
    "/app/invoices/{invoice}/claim/",
    "/app/invoices/{invoice}/document/",
    "/app/payments/",
    "/app/payments/{payment}/",
    "/app/documents/",
    "/app/documents/?kind=receipt",
    "/app/credits/",
    "/app/balance/",
    "/app/plan/",
    "/app/members/",
    "/app/sites/",
    "/app/sites/{site}/",
    "/app/billing/",
    "/app/security/",
    "/app/security/close/",
]
APPROVER = [
    "/desk/",
    "/desk/?country=xx1&least=x",
    "/desk/{payment}/",
    "/desk/{payment}/approve/",
    "/desk/{payment}/reject/",
    "/desk/accounts/?q=works",
    "/desk/accounts/{account}/",
    "/desk/accounts/{account}/close/",
    "/desk/accounts/{account}/credits/",
    "/desk/accounts/invoices/{invoice}/",
    "/desk/accounts/invoices/{invoice}/record/",
    "/desk/accounts/invoices/{invoice}/void/",
    "/desk/accounts/invoices/{invoice}/write-off/",
    "/desk/figures/",
    "/desk/trials/",
    "/desk/bank/",
    "/desk/bank/rules/",
    "/desk/bank/?list=self&q=x",
    "/desk/refunds/",
    "/desk/refunds/?list=approved",
    "/desk/accounts/{account}/refund/",
    "/desk/credit-notes/",
    "/desk/credit-notes/?list=applied",
    "/desk/accounts/invoices/{invoice}/credit/",
    "/desk/accounts/{account}/statement/",
    "/desk/accounts/{account}/proforma/",
    "/desk/documents/",
    "/desk/documents/?status=waiting&month=2026-11",
    "/desk/documents/{document}/",
]
OPERATOR = [
    "/desk/workflows/",
    "/desk/workflows/payment/?state=succeeded",
    "/desk/workflows/payment/?transition=approve",
    "/desk/workflows/payment/{payment}/",
    "/desk/effects/?state=dead",
    "/desk/batches/",
    "/desk/effects/pauses/",
    "/desk/effects/{effect}/",
    "/desk/effects/{effect}/retry/",
]
BANK = ["/desk/bank/files/{file}/", "/desk/bank/tables/{table}/", "/desk/bank/lines/{line}/"]  # test_bank.py opens them
HOSTED = ["/i/{link}/", "/i/{link}/print/"]  # test_hosted_page.py opens them
CREDIT_NOTES = ["/desk/credit-notes/{credit_note}/"]  # test_credit_notes.py writes what it shows
REFUNDS = ["/desk/refunds/{refund}/"]  # test_refunds.py requests what it shows
GRANTER = ["/desk/duties/", "/desk/duties/{person}/", "/desk/confirm/"]
SETTER = [
    "/desk/settings/",
    "/desk/settings/company/",
    "/desk/settings/numbers/",
    "/desk/settings/brand/",
    "/desk/settings/plans/",
    "/desk/settings/plans/new/",
    "/desk/settings/plans/{plan}/",
    "/desk/settings/plans/{plan}/retire/",
    "/desk/settings/ways-to-pay/",
    "/desk/settings/ways-to-pay/new/",
    "/desk/settings/ways-to-pay/{method}/",
    "/desk/settings/people/",
    "/desk/settings/reminders/",
    "/desk/settings/mail/",
]
# Asked by a form: test_desk.py goes there as staff do.
BY_POST = {
    "desk_bulk",
    "effects_retry",
    "effect_rate",
    "desk_bank_decide",
    "desk_refund_decide",
    "desk_credit_note_decide",
    "desk_refunds_sent",
    "desk_bank_choose_rules",
    "invoice_links",
    "desk_invoice_links",
    "desk_make_reminder",
    "desk_document_verb",
}
# Answers that lead elsewhere, or are a piece of a page; a cluster of trials, which the demo has none of.
NO_PAGES = {
    "document_file", "documents_of_month", "make_proforma", "desk_document_file",
    "own_home", "sign_out", "set_language", "banner", "withdraw", "change_plan", "cancel_plan", "keep_plan", "member",
    "sign_out_all", "end_session", "verify_again", "verify_billing_address", "desk_rows", "desk_tally",
    "desk_bulk_part", "desk_bulk_preview", "desk_preview", "desk_payment_state", "cluster", "desk_grant",
    "desk_send_link", "effect_pause_verb", "desk_bank_demo", "desk_payout", "settings_retire_price", "settings_payee",
    "settings_method_preview", "settings_reminders_preview", "settings_sample",
    "settings_numbers_preview", "brand_logo",
}  # fmt: skip
EVERY = [*STRANGER, *HOSTED, *CUSTOMER, *APPROVER, *BANK, *REFUNDS, *CREDIT_NOTES, *OPERATOR, *GRANTER, *SETTER]
