from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from web import hosted, invitations, logos, pages, passwords, sign_up, signing_in
from web.rate_limited_login import rate_limited

urlpatterns = [
    path("", pages.home, name="home"),
    path("home/", signing_in.to_own_home, name="own_home"),
    path("signup/", sign_up.sign_up_page, name="sign_up"),
    path("login/", rate_limited(signing_in.SignIn.as_view()), name="sign_in"),
    path("logout/", signing_in.SignOut.as_view(), name="sign_out"),
    path("password/reset/", passwords.ask_for_reset, name="ask_for_reset"),
    path("password/reset/<str:token>/", passwords.set_password, name="set_password"),
    path("verify/<str:token>/", passwords.verify, name="verify"),
    path("verify/billing/<str:token>/", passwords.verify_billing, name="verify_billing"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("i/<str:token>/", hosted.hosted_invoice, name="hosted_invoice"),
    path("i/<str:token>/print/", hosted.hosted_document, name="hosted_document"),
    path("logo/<slug:sha256>/", logos.brand_logo, name="brand_logo"),
    path("language/", set_language, name="set_language"),
    path("problems/", pages.all_problems, name="problems"),
    path("problems/<slug:slug>", pages.one_problem, name="problem"),
    path("app/", include("web.customer.urls")),
    path("desk/", include("web.staff.urls")),
    path("admin/mails/", include("web.mails")),
    path("admin/", admin.site.urls),
]
