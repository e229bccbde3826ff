"""Links for mails, from PUBLIC_URL only: anybody can send a Host header."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings

from core.models import Account, Invoice, Payment, PaymentMethod, User


def _page(path: str) -> str:
    return f"{settings.PUBLIC_URL}/{path}"


def home() -> str:
    return _page("")


def password_reset(token: str) -> str:
    return _page(f"password/reset/{token}/")


def verify_email(token: str) -> str:
    return _page(f"verify/{token}/")


def verify_billing_email(token: str) -> str:
    return _page(f"verify/billing/{token}/")


def invitation(token: str) -> str:
    return _page(f"invitation/{token}/")


def members() -> str:
    return _page("app/members/")


def papers() -> str:
    return _page("app/documents/")


def waiting_documents() -> str:
    return _page("desk/documents/?status=waiting")


def company() -> str:
    return _page("desk/settings/company/")


def tax_rules() -> str:
    return _page("admin/core/taxrule/")


def dashboard() -> str:
    return _page("app/")


def plan() -> str:
    return _page("app/plan/")


def balance() -> str:
    return _page("app/balance/")


def invoice(invoice: Invoice) -> str:
    return _page(f"app/invoices/{invoice.pk}/")


def hosted_invoice(token: str) -> str:
    return _page(f"i/{token}/")


def payment(payment: Payment) -> str:
    return _page(f"app/payments/{payment.pk}/")


def desk() -> str:
    return _page("desk/")


def review(payment: Payment) -> str:
    return _page(f"desk/{payment.pk}/")


def account(account: Account) -> str:
    return _page(f"desk/accounts/{account.pk}/")


def payment_methods() -> str:
    return _page("desk/settings/ways-to-pay/")


def payment_method(method: PaymentMethod) -> str:
    return _page(f"desk/settings/ways-to-pay/{method.pk}/")


def mail_settings() -> str:
    return _page("desk/settings/mail/")


def duties(person: User) -> str:
    return _page(f"desk/duties/{person.pk}/")


def ask_for_reset() -> str:
    return _page("password/reset/")


def effects(kind: str) -> str:
    return _page(f"desk/effects/?kind={quote(kind, safe='')}")
