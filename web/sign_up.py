from __future__ import annotations

from functools import partial
from typing import cast

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from core.models import PaymentMethod
from core.payees.fields import PayeeLine
from core.problems import Conflict, Problem
from core.security import rate_limits
from web.catalogue import Card, Catalogue
from web.forms.sign_up import SignUpForm
from workflows.actions import SignUp, sign_up
from workflows.mail.payment_instructions import Instructions, preview_of


@never_cache
@sensitive_post_parameters("password")
def sign_up_page(request: HttpRequest) -> HttpResponse:
    """`refresh` redraws the form for another country, currency or interval, without validation."""
    if request.user.is_authenticated:
        return redirect("own_home")
    given = request.POST or request.GET
    currency = request.POST.get("currency_instead") or given.get("currency", "")
    catalogue = Catalogue(interval=given.get("interval", ""), currency=currency)
    is_refresh = "refresh" in request.POST or "currency_instead" in request.POST
    if request.method == "POST" and not is_refresh:
        form = SignUpForm(request.POST, catalogue=catalogue)
        if form.is_valid():
            signed_up = _sign_up(request, form)
            if signed_up is not None:
                login(request, signed_up.user)
                return redirect("invoice", signed_up.invoice.pk) if signed_up.invoice else redirect("dashboard")
    else:
        form = SignUpForm(initial=_typed(given), catalogue=catalogue)
    return form.set_status_on(render(request, "web/sign_up.html", _context(form, catalogue)))


def _sign_up(request: HttpRequest, form: SignUpForm) -> SignUp | None:
    """None if refused; the form then has the error."""
    data, catalogue = form.cleaned_data, form.catalogue
    card = catalogue.card(data["plan"])
    assert card is not None, "the form offers the cards only"
    try:
        signed_up = sign_up(
            email=data["email"],
            password=data["password"],
            account_name=data["account_name"],
            plan=card.plan.code,
            currency=catalogue.currency,
            interval=card.price.interval,
            billing=form.billing(),
            payment_method=data["payment_method"] or None,
            language=get_language() or "en",
            time_zone=data["time_zone"],
            admit=partial(rate_limits.count_sign_up, request, data["email"]),
        )
    except Conflict as problem:
        form.add_error("email", problem.detail)
    except Problem as problem:
        form.refuse(problem)
    else:
        rate_limits.trust_address(request, data["email"])
        return signed_up
    return None


def _typed(given: object) -> dict[str, str]:
    typed = cast("dict[str, str]", {name: given.get(name) for name in given})  # type: ignore[attr-defined]
    return {"plan": "free", **typed}


def _context(form: SignUpForm, catalogue: Catalogue) -> dict[str, object]:
    chosen = catalogue.card(str(form["plan"].value() or "")) or (catalogue.cards[0] if catalogue.cards else None)
    elsewhere = PaymentMethod.objects.filter(country=form.chosen_country, is_enabled=True).exclude(
        currency__in=["", catalogue.currency]
    )
    other = elsewhere.values_list("currency", flat=True).first() if form.chosen_country else None
    return {
        "form": form,
        "catalogue": catalogue,
        "chosen": chosen,
        "chosen_method": form["payment_method"].value(),
        "ways": [(method, *_way(method, chosen)) for method in form.methods] if chosen else [],
        "other_currency": other if other in catalogue.currencies else None,
    }


def _way(method: PaymentMethod, card: Card) -> tuple[Instructions, list[PayeeLine]]:
    price = card.price
    return preview_of(method, price.amount, price.currency, get_language() or "en"), method.payee()
