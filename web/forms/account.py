from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core.models import Account, Industry, Membership, Site, SiteUserAccess
from core.time_zones import canonical_time_zone, offset_text, time_zone_names
from web.forms.base import PageForm
from web.forms.billing import BillingFields
from web.forms.fields import Address, Choice, Line
from web.status_labels import CONSUME_BY, ROLES, SITE_ROLES
from workflows.periods import database_now


class BillingForm(BillingFields):
    name = Line(label=_("Name of your company or project"), max_length=150, css="full")
    language = Choice(label=_("Language of our mails"), choices=settings.LANGUAGES)
    time_zone = Choice(
        label=_("Time zone"),
        required=False,  # pages opened before this field existed do not send it
        help_text=_("The days of your plan and your invoices begin and end there."),
        widget=forms.Select(attrs={"dir": "ltr"}),
    )
    consume_by = Choice(
        label=_("Who may use the credits"),
        required=False,  # as for the time zone
        choices=list(CONSUME_BY.items()),
        help_text=_("On these pages and with the API."),
    )
    attaches_documents = Choice(
        label=_("Invoices and receipts in our mails"),
        required=False,  # as for the time zone
        choices=[("yes", _("As PDF files")), ("no", _("As links to these pages"))],
        help_text=_("Only a confirmed address gets files."),
    )
    field_order = ["name", "language", "time_zone", "consume_by", "attaches_documents"]

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        zone = canonical_time_zone(account.time_zone) or "UTC"
        own = {
            "name": account.name,
            "language": account.language,
            "time_zone": zone,
            "consume_by": account.consume_by,
            "attaches_documents": "yes" if account.attaches_documents else "no",
        }
        kwargs.setdefault("initial", {**own, **account.billing_snapshot()})
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["time_zone"]
        choice.choices, choice.is_needed = _zones(zone), True
        for name in ("consume_by", "attaches_documents"):
            self.fields[name].is_needed = True  # type: ignore[attr-defined]
        self._stored_zone, self._stored_rule = account.time_zone, account.consume_by
        self._attached = account.attaches_documents
        self.fields["country"].widget.attrs["class"] = "decides"

    def clean_time_zone(self) -> str:
        return self.cleaned_data["time_zone"] or self._stored_zone

    def clean_consume_by(self) -> str:
        return self.cleaned_data["consume_by"] or self._stored_rule

    def clean_attaches_documents(self) -> bool:
        chosen = self.cleaned_data["attaches_documents"]
        return chosen == "yes" if chosen else self._attached


def _zones(own: str) -> list[tuple[str, str]]:
    now = database_now()
    return [
        (name, f"{name.replace('_', ' ')} ({offset_text(name, now)})") for name in sorted({*time_zone_names(), own})
    ]


class CloseAccountForm(PageForm):
    """The name is typed to prevent closing by mistake."""

    account_name = Line(label=_("Name of the account, to confirm"), max_length=150, css="full")
    reason = Line(label=_("Why do you leave?"), max_length=500, required=False, css="full")

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account_name"].widget.attrs["autocomplete"] = "off"
        self.fields["account_name"].help_text = account.name


class InviteForm(PageForm):
    email = Address(label=_("E-mail address"))
    role = Choice(label=_("Role"), initial=Membership.Role.MEMBER, choices=list(ROLES.items()))


class RoleForm(PageForm):
    role = Choice(label=_("Role"), choices=list(ROLES.items()))


class SiteForm(PageForm):
    name = Line(label=_("Name"), max_length=150)
    industry = forms.ModelChoiceField(
        Industry.objects.order_by("name"), label=_("Industry"), empty_label=_("Choose an industry")
    )

    def __init__(self, *args: Any, site: Site | None = None, **kwargs: Any) -> None:
        if site is not None:
            kwargs["initial"] = {"name": site.name, "industry": site.industry_id}
        super().__init__(*args, **kwargs)


class AccessForm(PageForm):
    member = forms.ModelChoiceField(Membership.objects.none(), label=_("Person"), empty_label=_("Choose a person"))
    role = Choice(label=_("Role"), initial=SiteUserAccess.Role.VIEWER, choices=list(SITE_ROLES.items()))

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        member: Any = self.fields["member"]
        member.queryset = account.memberships.select_related("user").order_by("user__email")
        member.label_from_instance = lambda membership: membership.user.email


class UseCreditsForm(PageForm):
    amount = forms.IntegerField(label=_("Credits"), min_value=1, max_value=1_000_000_000, initial=10)
    description = Line(label=_("What for"), max_length=200, required=False)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
