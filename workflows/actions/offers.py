from __future__ import annotations

from django.utils.translation import gettext as _

from core.models import PaymentMethod, Plan
from core.models.payment_method import sound_methods
from core.problems import ValidationError


def find_plan(code: str) -> Plan:
    """Public ones only."""
    found = Plan.objects.filter(code=code, is_public=True).first()
    if found is None:
        raise ValidationError({"plan": [_("There is no such plan.")]})
    return found


def find_method(name: str, country: str) -> PaymentMethod:
    """By code, else the first of that kind."""
    offered = sound_methods(PaymentMethod.objects.offered_in(country).defer("instructions", "fields"))
    for method in offered:
        if name == method.code:
            return method
    for method in offered:
        if name == method.kind:
            return method
    codes = ", ".join(method.code for method in offered)
    raise ValidationError(
        {"payment_method": [_("Not offered in your country. Offered: %(codes)s.") % {"codes": codes}]}
    )
