"""Every page, found among the routes, is asked for with odd texts in its address, its parameters and its headers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

import web
from core.models import PaymentMethod
from tests.odd_texts import as_header, some_odd_texts, spelled
from tests.web.odd_requests import Judge
from tests.web.test_growing_forms import Shop, no_limits, shop

__all__ = ["no_limits", "shop"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_log")]

PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
READ = re.compile(r"""request\.(?:GET|POST)\.(?:get|getlist)\(\s*"(\w+)\"""")
# What Django's own pages read.
DJANGOS = {"next", "language", "q", "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets"}
FILTERS = {"country", "method", "currency", "age", "least", "most", "kind", "state"}
HEADERS = ["Accept-Language", "User-Agent", "Referer", "X-Request-ID", "HX-Current-URL", "HX-Target", "HX-Trigger-Name"]
HEADERS += ["HX-Prompt", "X-Forwarded-For", "X-CSRFToken", "If-None-Match", "If-Modified-Since", "traceparent", "Range"]
COOKIES = ["sessionid", "csrftoken", "messages", "django_language"]
A_FEW, MANY = 2, 60  # for each place


def routes() -> dict[str, list[str]]:
    """Each address that has parameters with their converters, and those that have none."""
    found = {"with": [], "without": []}
    for route in _routes(get_resolver().url_patterns, ""):
        if not route.startswith(("api/", "static/")):
            found["with" if "<" in route else "without"].append(route)
    return found


def _routes(patterns: list[Any], before: str) -> Iterator[str]:
    for each in patterns:
        route = before + str(each.pattern).replace("^", "").replace("$", "").replace(r"\Z", "")
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route


ADDRESSES = routes()


def parameters() -> list[str]:
    """Every name that a page of ours asks for, and those of Django and of the filters."""
    sources = [file.read_text() for file in Path(web.__path__[0]).rglob("*.py")]
    return sorted({name for source in sources for name in READ.findall(source)} | DJANGOS | FILTERS)


def filled(route: str, shop: Shop, **odd: str) -> str:
    """The address with something that fits in each parameter, and `odd` where it is named."""
    fits = {"uuid": str(shop.ids["claim"]), "slug": "payment", "int": "1", "str": "x", "path": str(shop.ids["claim"])}

    def value(found: re.Match[str]) -> str:
        kind, name = found.groups()
        return odd.get(name, fits[kind or "str"])

    return "/" + PARAMETER.sub(value, route)


def who(shop: Shop, route: str) -> list[Any]:
    if route.startswith("admin/"):
        return [shop.root]
    if route.startswith("desk/settings/"):
        return [shop.setter]
    if route.startswith("desk/"):
        return [shop.staff]
    return [shop.owner, shop.anybody] if route.startswith("app/") else [shop.anybody]


def send_to_routes(shop: Shop, tried: list[str], *, count: int) -> None:
    judge = Judge()
    for route in tried:
        for _kind, name in PARAMETER.findall(route):
            own = str(shop.ids["claim"])
            for what, text in some_odd_texts(count, 100, word=own, number=own):
                path = filled(route, shop, **{name: spelled(text).replace("%2F", "/")})
                for client in who(shop, route):
                    for method in ("get", "post"):
                        judge.send(client, method, path, {}, what=f"{route} {what}")
    judge.check()
    assert judge.statuses - {404}, judge.statuses


def send_parameters(shop: Shop, tried: list[str], *, names: int, count: int) -> None:
    judge = Judge()
    every = parameters()
    for route in tried:
        path = filled(route, shop)
        for name in random.sample(every, min(names, len(every))):
            for what, text in some_odd_texts(count, 100, word="pending", number="1"):
                for client in who(shop, route):
                    judge.send(client, "get", f"{path}?{name}={spelled(text[:2000])}", what=f"{name} {what}")
                    judge.send(client, "post", path, {name: text}, what=f"{name} {what}")
    judge.check()


def send_changelists(shop: Shop, models: list[Any], *, count: int) -> None:
    """Lists of the admin, by each of their filters and by lookups that nobody offers."""
    judge = Judge()
    for model in models:
        page = admin.site._registry[model]
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        names = {getattr(each, "parameter_name", each) for each in page.list_filter if not isinstance(each, tuple)}
        names |= {each[0] for each in page.list_filter if isinstance(each, tuple)}
        lookups = {f"{name}{more}" for name in map(str, names) for more in ("", "__exact", "__in", "__isnull")}
        for name in sorted(lookups | {"id", "id__exact", "pk__in", "q", "p", "o"}):
            for what, text in some_odd_texts(count, 100, word="pending", number="1"):
                judge.send(shop.root, "get", f"{path}?{name}={spelled(text[:2000])}", what=f"{name} {what}")
    judge.check()


def send_headers(shop: Shop, tried: list[str], *, names: int, count: int) -> None:
    judge = Judge()
    for route in tried:
        path = filled(route, shop)
        for name in random.sample(HEADERS, min(names, len(HEADERS))):
            for what, text in some_odd_texts(count, 255, word="en", number="1"):
                odd = {f"HTTP_{name.upper().replace('-', '_')}": as_header(text)}
                judge.send(shop.anybody, "get", path, what=f"{name} {what}", HTTP_HX_REQUEST="true", **odd)
        for name in COOKIES:
            for what, text in some_odd_texts(count, 255, word="en", number="1"):
                odd_cookie = f"{name}={as_header(text)}"
                judge.send(shop.anybody, "get", path, what=f"cookie {name} {what}", HTTP_COOKIE=odd_cookie)
    judge.check()


def test_routes_and_parameters_are_found():
    assert {"admin/core/payment/<path:object_id>/change/", "desk/trials/<slug:reason>/<str:key>/"} <= {
        *ADDRESSES["with"]
    }
    assert {"desk/", "app/invoices/", "signup/"} <= {*ADDRESSES["without"]}
    assert {"number", "session", "before", "verb", "method", "page"} <= {*parameters()}


def test_some_odd_texts_stand_in_some_addresses(shop, seed):
    send_to_routes(shop, random.sample(ADDRESSES["with"], 20), count=3)


def test_some_odd_texts_are_given_as_parameters(shop, seed):
    send_parameters(shop, random.sample(ADDRESSES["without"], 8), names=4, count=3)
    send_changelists(shop, random.sample(list(admin.site._registry), 3), count=1)


def test_some_odd_texts_stand_in_headers_and_cookies(shop, seed):
    send_headers(shop, ["login/", "app/banner/"], names=6, count=A_FEW)


@pytest.mark.parametrize(
    "path",
    ["desk/trials/domain/%00/", "admin/core/breaker/a%00/change/", "admin/core/account/?status__exact=%00", "?a%00=1"],
)
def test_address_with_a_nul_is_refused_before_any_view(shop, path):
    answer = shop.root.get(f"/{path}")

    assert answer.status_code == 400
    assert "The address contains characters that cannot be." in answer.content.decode()


@pytest.mark.parametrize("session", ["\0", "a\0b", "\u0663", ""])
def test_session_that_is_none_is_not_ended(shop, session):
    assert shop.owner.post("/app/security/end-session/", {"session": session}).status_code == 302


@pytest.mark.parametrize("number", ["9" * 5000, "\u0661", "\u00b9", "-1", "\0"])
def test_number_of_no_payee_change_is_not_found(shop, number):
    method = PaymentMethod.objects.get()

    answer = shop.root.post(f"/admin/core/paymentmethod/{method.pk}/payee/confirm/", {"number": number})

    assert answer.status_code == 404


@pytest.mark.parametrize("value", ["9" * 5000, '"\\u202e"', '"\\u2028"', '"\\u0000"', '"\\ud800"'])
def test_payload_that_is_no_text_is_shown_again(shop, value):
    data = {"reason": "again", "payload": f'{{"a": {value}}}'}

    answer = shop.staff.post(f"/desk/effects/{shop.ids['effect']}/retry/", data)

    assert answer.status_code in (200, 400)
    assert answer.context["form"].errors


@pytest.mark.hostile
@pytest.mark.timeout(900)
@pytest.mark.parametrize("route", ADDRESSES["with"])
def test_many_odd_texts_stand_in_every_address(route, shop, seed):
    send_to_routes(shop, [route], count=MANY)


@pytest.mark.hostile
@pytest.mark.timeout(900)
@pytest.mark.parametrize("route", [*ADDRESSES["without"], *ADDRESSES["with"]])
def test_many_odd_texts_are_given_as_parameters(route, shop, seed):
    send_parameters(shop, [route], names=99, count=6)


@pytest.mark.hostile
@pytest.mark.timeout(900)
def test_many_odd_texts_are_given_to_the_lists_of_the_admin(shop, seed):
    send_changelists(shop, list(admin.site._registry), count=12)


@pytest.mark.hostile
@pytest.mark.timeout(900)
def test_many_odd_texts_stand_in_headers_and_cookies(shop, seed):
    send_headers(shop, ["login/", "app/banner/", "", "signup/", "desk/", "admin/login/"], names=99, count=MANY)
