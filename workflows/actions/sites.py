from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Min
from django.db.transaction import atomic
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.models import Account, Industry, Membership, Plan, Site, SiteUserAccess, User
from core.models.plan import FREE
from core.models.site import LONGEST_SITE_NAME
from core.models.subscription import ACTIVE_STATUSES
from core.problems import Conflict, PermissionDenied
from core.security import rate_limits
from core.validation.text import check_name, composed
from workflows.actions.service_rules import Act, check_may
from workflows.settlement.locking import lock_account


@dataclass(frozen=True)
class Excess:
    used: int
    limit: int


# Min() ignores NULL, which is no limit.
SMALLEST_LIMITS = {"max_sites": Min("max_sites"), "max_users": Min("max_users")}


def open_site(account: Account, *, name: str, industry: Industry, by: User) -> Site:
    """Raises Conflict at the limit or for a taken name, TooManyRequests, and what check_may() raises."""
    if by.role_in(account.pk) not in (*Membership.MAY_PAY, Membership.Role.MEMBER):
        raise PermissionDenied(_("Viewers may not open sites."))
    name = composed(name)
    check_name(name, field="name", longest=LONGEST_SITE_NAME)
    with atomic():
        account = lock_account(account)  # counted under the lock
        check_may(account, Act.OPEN_SITE)
        limit = plan_of(account).max_sites
        if limit is not None and account.sites.count() >= limit:
            words = ngettext("Your plan has room for %(limit)d site.", "Your plan has room for %(limit)d sites.", limit)
            raise Conflict(words % {"limit": limit}, limit=limit)
        if account.sites.filter(name=name).exists():
            raise Conflict(_("There is a site of that name already."))
        rate_limits.enforce_account_limit("site", account.pk)
        site = Site.objects.create(account=account, name=name, industry=industry)
        SiteUserAccess.objects.create(site=site, user=by, role=SiteUserAccess.Role.MANAGER)
    return site


def remove_member(member: Membership) -> None:
    with atomic():
        member.user.is_active = False
        member.user.save()
        SiteUserAccess.objects.filter(user=member.user_id, site__account=member.account_id).delete()
        member.delete()


def plan_of(account: Account) -> Plan:
    """The active subscription's, else the free one, also before the first payment.

    Without a free plan: an unsaved one with the smallest limits of all plans.
    """
    subscription = account.subscriptions.filter(status__in=ACTIVE_STATUSES).select_related("plan").first()
    if subscription is not None:
        return subscription.plan
    return Plan.objects.filter(code=FREE).first() or Plan(**Plan.objects.aggregate(**SMALLEST_LIMITS))


def excess_of(account: Account, plan: Plan | None = None) -> dict[str, Excess]:
    """By `sites` and `users`. plan: None: the one whose limits hold now."""
    return excess_of_usage(plan or plan_of(account), usage_of(account))


def usage_of(account: Account) -> dict[str, int]:
    # An invitation counts as taken.
    return {"sites": account.sites.count(), "users": account.memberships.count() + account.invitations.count()}


def excess_of_usage(plan: Plan, usage: Mapping[str, int]) -> dict[str, Excess]:
    limits = {"sites": plan.max_sites, "users": plan.max_users}
    return {
        name: Excess(usage[name], limit) for name, limit in limits.items() if limit is not None and usage[name] > limit
    }
