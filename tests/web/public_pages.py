"""Everything that customers see of what staff have set."""

from __future__ import annotations

from urllib.parse import urlencode

from django.test import Client

from core.models import PaymentMethod, PlanPrice, User
from tests.api.caller import Caller
from tests.browser.pages import CUSTOMER, STRANGER
from tests.web.conftest import signed_in

ASKED_OF_AN_ACCOUNT = ("/app/", "/app/plan/", "/app/members/", "/app/sites/", "/app/billing/", "/app/balance/")
READ_BY_PROGRAMS = ("plans/", "account/", "account/members/", "sites/", "industries/", "billing/invoices/")


def failures(customer: User | None = None, *, invoice: str = "") -> dict[str, int]:
    """Pages and reads of the API that do not answer 200, by their address.

    invoice: the key of one of the customer's, whose page and claim are asked for too.
    """
    found = {}
    stranger = Client(raise_request_exception=False)
    for path in [*(path for path in STRANGER if "nonsense" not in path), *_sign_up_pages()]:
        found[path] = stranger.get(path).status_code
    program = Caller()
    for path in ("plans/", *_methods()):
        found[path] = program.get(path).status_code
    if customer is not None:
        client, program = signed_in(customer), Caller(customer)
        client.raise_request_exception = False
        pages = [path for path in CUSTOMER if path in ASKED_OF_AN_ACCOUNT]
        if invoice:
            pages += [path.format(invoice=invoice) for path in CUSTOMER if "{invoice}" in path]
        for path in pages:
            found[path] = client.get(path).status_code
        for path in READ_BY_PROGRAMS:
            found[f"{path} of {customer}"] = program.get(path).status_code
    return {path: status for path, status in found.items() if status != 200}


def _sign_up_pages() -> list[str]:
    """Each country in its methods' currencies, each currency and interval that is sold, and some that are not."""
    places = set(PaymentMethod.objects.values_list("country", "currency"))
    prices = set(PlanPrice.objects.values_list("currency", "interval"))
    asked = [{"country": country, "currency": currency, "plan": "starter"} for country, currency in places]
    known = {(currency, "month") for _, currency in places}  # seen with their countries
    asked += [{"currency": code, "interval": interval, "plan": "growth"} for code, interval in prices - known]
    asked += [{"currency": "usd"}, {"currency": "XXX"}, {"country": "ZZ"}, {"plan": "none"}]
    return [f"/signup/?{urlencode(each)}" for each in sorted(asked, key=str)]


def _methods() -> list[str]:
    countries = PaymentMethod.objects.exclude(country="").values_list("country", flat=True).distinct()
    known = [country for country in countries if country.isupper()]
    path = "billing/admin/payment-methods/"
    return [path, *(f"{path}?country={country}" for country in known)]
