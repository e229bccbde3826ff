from __future__ import annotations

from django.urls import path

from web.staff_settings import mail, methods, numbers, overview, people, plans, reminders, seller

urlpatterns = [
    path("", overview.overview_page, name="settings"),
    path("company/", seller.company_page, name="settings_company"),
    path("company/sample.pdf", seller.sample, name="settings_sample"),
    path("brand/", seller.brand_page, name="settings_brand"),
    path("numbers/", numbers.numbers_page, name="settings_numbers"),
    path("numbers/preview/", numbers.preview, name="settings_numbers_preview"),
    path("plans/", plans.plans_page, name="settings_plans"),
    path("plans/new/", plans.new_plan, name="settings_new_plan"),
    path("plans/<uuid:pk>/", plans.plan_page, name="settings_plan"),
    path("plans/<uuid:pk>/retire/", plans.retire, name="settings_retire_plan"),
    path("plans/prices/<uuid:pk>/retire/", plans.retire_price, name="settings_retire_price"),
    path("ways-to-pay/", methods.methods_page, name="settings_methods"),
    path("ways-to-pay/new/", methods.new_method, name="settings_new_method"),
    path("ways-to-pay/<uuid:pk>/", methods.method_page, name="settings_method"),
    path("ways-to-pay/<uuid:pk>/preview/", methods.preview, name="settings_method_preview"),
    path("ways-to-pay/<uuid:pk>/payee/<slug:verb>/", methods.decide, name="settings_payee"),
    path("people/", people.people_page, name="settings_people"),
    path("reminders/", reminders.reminders_page, name="settings_reminders"),
    path("reminders/preview/", reminders.preview, name="settings_reminders_preview"),
    path("mail/", mail.mail_page, name="settings_mail"),
]
