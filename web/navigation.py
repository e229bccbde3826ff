"""Where one can go from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Link:
    """A place in the navigation. `name` is a URL's name; every page under it marks it as current."""

    words: str | Promise
    name: str
    permission: str = ""

    @property
    def address(self) -> str:
        return reverse(self.name)


@dataclass(frozen=True)
class Group:
    words: str | Promise
    links: list[Link] = field(default_factory=list)


CUSTOMER = [
    Group(
        "",
        [
            Link(_("Overview"), "dashboard"),
            Link(_("Invoices"), "invoices"),
            Link(_("Payments"), "payments"),
            Link(_("Credits"), "credits"),
            Link(_("Sites"), "sites"),
        ],
    ),
    Group(
        _("Account"),
        [
            Link(_("Plan"), "plan"),
            Link(_("Balance"), "balance"),
            Link(_("Billing details"), "billing"),
            Link(_("Members"), "members"),
            Link(_("Security"), "security"),
        ],
    ),
]
STAFF = [Group("", [Link(_("Administration"), "admin:index")])]


def nav_of(request: HttpRequest) -> list[dict[str, object]]:
    """The groups of links for whoever is signed in, with the current one marked."""
    groups = STAFF if request.user.is_staff else CUSTOMER
    current = _current(groups, request.path)
    return [
        {"words": group.words, "links": [(link, link is current) for link in group.links if _may(request, link)]}
        for group in groups
    ]


def _may(request: HttpRequest, link: Link) -> bool:
    return not link.permission or request.user.has_perm(link.permission)


def _current(groups: list[Group], path: str) -> Link | None:
    """The longest address that the path begins with."""
    above = [link for group in groups for link in group.links if path.startswith(link.address)]
    return max(above, key=lambda link: len(link.address), default=None)
