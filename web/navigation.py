from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from web.staff.access import (
    APPROVE_REFUND,
    AUDIT,
    CUSTOMERS,
    GRANT,
    IMPORT,
    ISSUE_CREDIT_NOTE,
    MAIL,
    MANAGE,
    MATCH,
    METHODS,
    OPERATE,
    PEOPLE,
    PLANS,
    REMINDERS,
    REQUEST_REFUND,
    REVIEW,
    SELLER,
    SETTINGS,
    WRITE_CREDIT_NOTE,
    may_see_any,
)


@dataclass(frozen=True)
class Link:
    """Current on every page whose path begins with its address.

    name: of a URL. permissions: one is enough. count: name of the URL that answers the number beside it.
    """

    label: str | Promise
    name: str
    permissions: tuple[str, ...] = ()
    count: str = ""

    @property
    def address(self) -> str:
        return reverse(self.name)


@dataclass(frozen=True)
class Group:
    label: str | Promise
    links: list[Link] = field(default_factory=list)


CUSTOMER = [
    Group(
        "",
        [
            Link(_("Overview"), "dashboard"),
            Link(_("Invoices"), "invoices"),
            Link(_("Payments"), "payments"),
            Link(_("Documents"), "documents"),
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
STAFF = [
    Group(
        "",
        [
            Link("Review queue", "desk", (REVIEW,), count="desk_tally"),
            Link("Bank", "desk_bank", (IMPORT, MATCH)),
            Link("Refunds", "desk_refunds", (REQUEST_REFUND, APPROVE_REFUND)),
            Link("Credit notes", "desk_credit_notes", (WRITE_CREDIT_NOTE, ISSUE_CREDIT_NOTE)),
            Link("Customers", "desk_search", CUSTOMERS),
            Link("Documents", "desk_documents", (REVIEW, AUDIT)),
            Link("Clusters of trials", "clusters", (MANAGE,)),
        ],
    ),
    Group(
        "Operations",
        [
            Link("State machines", "machines", (OPERATE, REVIEW)),
            Link("Effects", "effects", (OPERATE,)),
            Link("Batches", "batches", (OPERATE,)),
            Link("Reports", "figures", (OPERATE, REVIEW)),
        ],
    ),
    Group(
        "",
        [
            Link("Duties", "desk_duties", (GRANT,)),
            Link("Settings", "settings", SETTINGS),
            Link(_("Administration"), "admin:index"),
        ],
    ),
]
SETTINGS_PAGES = [
    Link("Overview", "settings"),
    Link("Company", "settings_company", SELLER),
    Link("Brand", "settings_brand", SELLER),
    Link("Numbers", "settings_numbers", SELLER),
    Link("Plans and prices", "settings_plans", PLANS),
    Link("Ways to pay", "settings_methods", METHODS),
    Link("People", "settings_people", PEOPLE),
    Link("Reminders", "settings_reminders", REMINDERS),
    Link("Mail", "settings_mail", MAIL),
]


def nav_of(request: HttpRequest) -> list[dict[str, object]]:
    """The groups that the user may open."""
    groups = STAFF if request.user.is_staff else CUSTOMER
    current = _current(groups, request.path)
    shown = [
        (group.label, [(link, link is current) for link in group.links if _may(request, link)]) for group in groups
    ]
    return [{"label": label, "links": links} for label, links in shown if links]


def settings_nav_of(request: HttpRequest) -> list[tuple[Link, bool]]:
    """The pages of settings that the user may open, each with whether it is the current one."""
    current = _current([Group("", SETTINGS_PAGES)], request.path)
    return [(link, link is current) for link in SETTINGS_PAGES if _may(request, link)]


def _may(request: HttpRequest, link: Link) -> bool:
    return not link.permissions or may_see_any(request.user, link.permissions)


def _current(groups: list[Group], path: str) -> Link | None:
    """The link with the longest address that the path begins with."""
    above = [link for group in groups for link in group.links if path.startswith(link.address)]
    return max(above, key=lambda link: len(link.address), default=None)
