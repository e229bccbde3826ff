"""Addresses for staff, under /desk/."""

from __future__ import annotations

from django.urls import path

from web.staff import (
    accounts,
    bulk,
    clusters,
    confirming,
    corrections,
    decisions,
    duties,
    effects,
    figures,
    machines,
    payment,
    previews,
    queue,
    record,
)

urlpatterns = [
    path("", queue.queue_page, name="desk"),
    path("rows/", queue.rows, name="desk_rows"),
    path("tally/", queue.tally, name="desk_tally"),
    path("bulk/", bulk.bulk, name="desk_bulk"),
    path("bulk/part/", bulk.part, name="desk_bulk_part"),
    path("bulk/preview/", previews.preview_many, name="desk_bulk_preview"),
    path("accounts/", accounts.search, name="desk_search"),
    path("accounts/<uuid:pk>/", accounts.account_page, name="desk_account"),
    path("accounts/<uuid:pk>/close/", corrections.close, name="desk_close_account"),
    path("accounts/<uuid:pk>/credits/", corrections.adjust_credits, name="desk_adjust"),
    path("accounts/invoices/<uuid:pk>/", accounts.invoice_page, name="desk_invoice"),
    path("accounts/invoices/<uuid:pk>/void/", corrections.close_invoice, {"verb": "void"}, name="desk_void"),
    path(
        "accounts/invoices/<uuid:pk>/write-off/",
        corrections.close_invoice,
        {"verb": "write_off"},
        name="desk_write_off",
    ),
    path("accounts/invoices/<uuid:pk>/record/", record.record, name="desk_record"),
    path("trials/", clusters.clusters_page, name="clusters"),
    path("trials/<slug:reason>/<str:key>/", clusters.cluster_page, name="cluster"),
    path("workflows/", machines.room, name="machines"),
    path("workflows/<slug:machine>/", machines.rows, name="machine_rows"),
    path("workflows/<slug:machine>/<uuid:pk>/", machines.history, name="history"),
    path("effects/", effects.effects_page, name="effects"),
    path("effects/retry/", effects.retry_set, name="effects_retry"),
    path("effects/<uuid:pk>/", effects.effect_page, name="effect"),
    path("effects/<uuid:pk>/<slug:verb>/", effects.operate, name="effect_verb"),
    path("confirm/", confirming.confirm_page, name="desk_confirm"),
    path("duties/", duties.duties_page, name="desk_duties"),
    path("duties/<uuid:pk>/", duties.person_page, name="desk_person"),
    path("duties/<uuid:pk>/link/", duties.send_link, name="desk_send_link"),
    path("duties/grants/<uuid:pk>/<slug:verb>/", duties.decide_grant, name="desk_grant"),
    path("figures/", figures.figures_page, name="figures"),
    path("<uuid:pk>/", payment.payment_page, name="desk_payment"),
    path("<uuid:pk>/state/", payment.state, name="desk_payment_state"),
    path("<uuid:pk>/<slug:verb>/", decisions.decide, name="desk_decide"),
    path("<uuid:pk>/<slug:verb>/preview/", previews.preview, name="desk_preview"),
]
