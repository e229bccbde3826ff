from __future__ import annotations

from typing import Any

from django import template
from django.template.context import RequestContext

from web.customer.banner import banner_context, standing_of

register = template.Library()


@register.inclusion_tag("web/customer/banner.html", takes_context=True)
def account_banner(context: RequestContext) -> dict[str, Any]:
    request = context["request"]
    standing = getattr(request, "standing", None) or standing_of(request.account)
    return banner_context(standing, request.path)
