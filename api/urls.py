"""Every address of the API. `admin` in a path is history, not a permission."""

from __future__ import annotations

from django.urls import include, path, re_path

from api import accounts, auth, docs, invoices, members, missing, passwords, payments, plans, sites, staff, workflows

v1 = [
    path("auth/register/", auth.Register.as_view()),
    path("auth/login/", auth.Login.as_view()),
    path("auth/logout/", auth.Logout.as_view()),
    path("auth/logout-all/", auth.LogoutAll.as_view()),
    path("auth/me/", auth.Me.as_view()),
    path("auth/password/change/", passwords.ChangePassword.as_view()),
    path("auth/password/reset/", passwords.AskForReset.as_view()),
    path("auth/password/reset/confirm/", passwords.ResetPassword.as_view()),
    path("auth/email/verify/", passwords.VerifyEmail.as_view()),
    path("plans/", plans.Plans.as_view()),
    path("account/", accounts.OwnAccount.as_view()),
    path("credits/", accounts.Credits.as_view()),
    path("credits/entries/", accounts.CreditEntries.as_view()),
    path("billing/invoices/", invoices.Invoices.as_view({"get": "list"})),
    path("billing/invoices/<uuid:pk>/", invoices.Invoices.as_view({"get": "retrieve"})),
    path("billing/subscriptions/", invoices.Subscriptions.as_view({"get": "list", "post": "create"})),
    path("billing/subscriptions/<uuid:pk>/", invoices.Subscriptions.as_view({"get": "retrieve"})),
    path("billing/payments/", payments.Payments.as_view({"get": "list"})),
    path("billing/payments/<uuid:pk>/", payments.Payments.as_view({"get": "retrieve"})),
    path("billing/payments/<uuid:pk>/transitions/", payments.PaymentTransitions.as_view()),
    path("billing/admin/payment-methods/", plans.PaymentMethods.as_view()),
    path("billing/admin/payments/confirm/", payments.ConfirmPayment.as_view()),
    path("billing/admin/payments/<uuid:pk>/approve/", payments.ApprovePayment.as_view()),
    path("billing/admin/payments/<uuid:pk>/reject/", payments.RejectPayment.as_view()),
    path("account/members/", members.Members.as_view()),
    path("account/members/<uuid:pk>/", members.OneMember.as_view()),
    path("credits/consume/", accounts.ConsumeCredits.as_view()),
    path("billing/balance/", accounts.Balance.as_view()),
    path("billing/subscriptions/<uuid:pk>/cancel/", invoices.Subscriptions.as_view({"post": "cancel"})),
    path("billing/payments/<uuid:pk>/withdraw/", payments.WithdrawPayment.as_view()),
    path("industries/", sites.Industries.as_view()),
    path("sites/", sites.Sites.as_view({"get": "list", "post": "create"})),
    path(
        "sites/<uuid:pk>/",
        sites.Sites.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("sites/<uuid:pk>/access/", sites.SiteAccess.as_view()),
    path("billing/admin/payments/", staff.Queue.as_view({"get": "list"})),
    path("billing/admin/payments/bulk-approve/", staff.BulkDecision.as_view(verb="approve")),
    path("billing/admin/payments/bulk-reject/", staff.BulkDecision.as_view(verb="reject")),
    path("billing/admin/payments/record/", staff.RecordPayment.as_view()),
    path("billing/admin/payments/<uuid:pk>/reverse/", staff.ReversePayment.as_view()),
    path("billing/admin/invoices/<uuid:pk>/void/", staff.CloseInvoice.as_view(verb="void")),
    path("billing/admin/invoices/<uuid:pk>/write-off/", staff.CloseInvoice.as_view(verb="write_off")),
    path("billing/admin/credits/adjust/", staff.AdjustCredits.as_view()),
    path("billing/admin/accounts/", staff.Accounts.as_view({"get": "list"})),
    path("workflows/machines/", workflows.Machines.as_view()),
    path("workflows/transitions/", workflows.Transitions.as_view()),
    path("workflows/effects/", workflows.Effects.as_view()),
    path("workflows/effects/bulk-retry/", workflows.BulkRetry.as_view()),
    path("workflows/effects/<uuid:pk>/", workflows.EffectStory.as_view()),
    path("workflows/effects/<uuid:pk>/retry/", workflows.RetryEffect.as_view()),
    path("workflows/effects/<uuid:pk>/skip/", workflows.SkipEffect.as_view()),
]
urlpatterns = [
    path("v1/", include(v1)),
    path("schema/", docs.PublishedSchema.as_view(), name="schema"),
    path("docs/", docs.Docs.as_view()),
    re_path(r"", missing.nothing_here),
]
