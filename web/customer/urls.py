from __future__ import annotations

from django.urls import path

from web.customer import banner, billing, dashboard, invoices, ledger, members, payments, plan, security, sites

urlpatterns = [
    path("", dashboard.dashboard, name="dashboard"),
    path("banner/", banner.banner_view, name="banner"),
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<uuid:pk>/", invoices.invoice, name="invoice"),
    path("invoices/<uuid:pk>/claim/", invoices.claim, name="claim"),
    path("invoices/<uuid:pk>/links/", invoices.links, name="invoice_links"),
    path("invoices/<uuid:pk>/document/", invoices.document, name="document"),
    path("payments/", payments.payments, name="payments"),
    path("payments/<uuid:pk>/", payments.payment, name="payment"),
    path("payments/<uuid:pk>/withdraw/", payments.withdraw, name="withdraw"),
    path("credits/", ledger.credit_ledger, name="credits"),
    path("balance/", ledger.balance, name="balance"),
    path("plan/", plan.plan, name="plan"),
    path("plan/change/", plan.change, name="change_plan"),
    path("plan/cancel/", plan.cancel, name="cancel_plan"),
    path("plan/keep/", plan.keep, name="keep_plan"),
    path("members/", members.members, name="members"),
    path("members/<uuid:pk>/", members.change_one, name="member"),
    path("sites/", sites.sites, name="sites"),
    path("sites/<uuid:pk>/", sites.site, name="site"),
    path("billing/", billing.billing, name="billing"),
    path("billing/verify/", billing.verify_address, name="verify_billing_address"),
    path("security/", security.security, name="security"),
    path("security/sign-out/", security.sign_out_all, name="sign_out_all"),
    path("security/end-session/", security.end_session, name="end_session"),
    path("security/verify/", security.verify_again, name="verify_again"),
    path("security/close/", security.close, name="close_account"),
]
