from __future__ import annotations

from core.payees.kinds import Kind
from core.payees.qr_codes import SEPA
from workflows.payees.examples import METHODS, Method


def usual_fields(kind: str, country: str) -> list[str]:
    """The payee's fields that a method of this kind usually has in the country, as in the catalogue."""
    same_kind = [method for method in METHODS if method.kind == kind]
    here = [method for method in same_kind if method.country == country]
    if not here and kind == Kind.BANK_TRANSFER:
        here = [_named("eu_sepa" if country in SEPA else "intl_wire")]
    return list(dict.fromkeys(key for method in here or same_kind for key in method.fields))


def _named(code: str) -> Method:
    return next(method for method in METHODS if method.code == code)
