from __future__ import annotations

from typing import Any

from django.db import IntegrityError
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import Membership, Site, SiteUserAccess, User
from core.models.site import LONGEST_SITE_NAME
from core.problems import Conflict, PermissionDenied
from core.validation.text import check_name, composed
from workflows.actions.accounts import check_is_open


def manages(user: User, site: Site) -> bool:
    if user.role_in(site.account_id) in Membership.MAY_PAY:
        return True
    return site.access.filter(user=user, role=SiteUserAccess.Role.MANAGER).exists()


def change_site(site: Site, *, by: User, **changes: Any) -> Site:
    """Raises Conflict for a name that is taken, or in a closed account."""
    check_manages(site, by=by)
    if "name" in changes:
        changes["name"] = composed(changes["name"])
        check_name(changes["name"], field="name", longest=LONGEST_SITE_NAME)
    for name, value in changes.items():
        setattr(site, name, value)
    try:
        with atomic():
            site.save()
    except IntegrityError as error:
        raise Conflict(_("There is a site of that name already.")) from error
    return site


def close_site(site: Site, *, by: User) -> None:
    check_manages(site, by=by)
    site.delete()


def give_access(site: Site, member: Membership, role: str, *, by: User) -> SiteUserAccess:
    check_manages(site, by=by)
    assert member.account_id == site.account_id, "the caller looks for the member in the site's account"
    access, _is_new = SiteUserAccess.objects.update_or_create(
        site=site, user_id=member.user_id, defaults={"role": role}
    )
    return access


def check_manages(site: Site, *, by: User) -> None:
    """Raises Conflict in a closed account."""
    if not manages(by, site):
        raise PermissionDenied(_("Only those who manage this site may change it."))
    check_is_open(site.account)
