from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from core.models.account import BILLING_FIELDS, Account
from core.problems import ValidationError
from core.validation.countries import country_codes
from core.validation.email import LONGEST_EMAIL, canonical_email
from core.validation.postal_codes import is_postal_code, postal_code_example
from core.validation.tax_ids import is_tax_id, tax_id_example, tax_id_label
from core.validation.text import is_single_line

NEEDED_TO_BILL = ("billing_email", "address_line1", "city", "country")
MAX_LENGTHS = {column.name: column.max_length or 0 for column in Account._meta.fields if column.name in BILLING_FIELDS}

_public_email = EmailValidator(allowlist=[])  # Django's default takes somebody@localhost


def check_billing(details: Mapping[str, str], *, is_paid: bool) -> None:
    if errors := billing_errors(details, is_paid=is_paid):
        raise ValidationError(errors)


def check_billable(details: Mapping[str, str]) -> None:
    if missing := _missing(details):
        raise ValidationError({name: [error] for name, error in missing.items()})


def check_billing_change(before: Mapping[str, str], changes: Mapping[str, str]) -> None:
    """Fields that change are judged together with those that stay."""
    # After a move the rest is judged, too: many countries would accept another one's tax id.
    after = {**before, **changes}
    errors = billing_errors(after, is_paid=False)
    has_moved = after.get("country") != before.get("country")
    if has_moved and after.get("tax_id") and "tax_id" not in changes:
        errors.setdefault("tax_id", [_("The country has changed: give the tax id of the new one, or none.")])
    if errors := {name: lines for name, lines in errors.items() if has_moved or name in changes}:
        raise ValidationError(errors)


def billing_errors(details: Mapping[str, str], *, is_paid: bool) -> dict[str, list[str]]:
    """By field; a missing field counts as an empty one."""
    given = {name: details.get(name, "") for name in BILLING_FIELDS}
    found = {name: _error(name, text, given["country"]) for name, text in given.items() if text}
    if is_paid:
        found |= _missing(given)
    return {name: [error] for name, error in found.items() if error}


def public_email(text: str) -> None:
    """Raises Django's ValidationError, also for a canonical form that is too long: IDNA makes a host up to four times
    as long.
    """
    _public_email(text)
    if len(canonical_email(text)) > LONGEST_EMAIL:
        raise DjangoValidationError(_public_email.message, code="invalid")


def _missing(details: Mapping[str, str]) -> dict[str, str]:
    return {name: _("A paid plan needs this.") for name in NEEDED_TO_BILL if not details.get(name, "").strip()}


def _error(name: str, text: str, country: str) -> str:
    if len(text) > MAX_LENGTHS[name]:
        return _("Use at most %(count)d characters.") % {"count": MAX_LENGTHS[name]}
    if not is_single_line(text):
        return _("Write it on a single line.")
    if name == "country" and text not in country_codes():
        return _("Choose a country: a code of ISO 3166-1, such as PK.")
    if name == "billing_email" and not _is_public_email(text):
        return _("This is no valid e-mail address.")
    if name == "postal_code" and not is_postal_code(country, text):
        return _like(_("This is no postal code of the country."), postal_code_example(country))
    if name == "tax_id" and not is_tax_id(country, text):
        words = _("This is no valid tax id (%(label)s) of the country.") % {"label": tax_id_label(country)}
        return _like(words, tax_id_example(country))
    return ""


def _like(words: str, example: str) -> str:
    return " ".join([words, _("It looks like %(example)s.") % {"example": example}]) if example else words


def _is_public_email(text: str) -> bool:
    try:
        public_email(text)
    except DjangoValidationError:
        return False
    return True
