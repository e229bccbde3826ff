"""Ways to pay in ten countries, and two that work anywhere. Every payee is made up.

IBANs are the examples of the IBAN standard, other numbers are zeros. Each method is a demo until an operator
enters an account of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.models import PaymentMethod
from core.payees.kinds import Kind


@dataclass(frozen=True)
class Method:
    code: str
    name: str
    kind: Kind
    country: str  # blank: offered everywhere
    currency: str  # blank: any
    bank_lag_days: int
    fields: dict[str, str]
    may_stay: tuple[str, ...] = ()  # of the fields, those in which the example may be right for anybody
    requires: tuple[str, ...] = ("reference",)
    pattern: str = ""  # of the transaction id that the payer's bank shows: see core/validation/patterns.py
    example: str = ""
    reference_max: int | None = None


METHODS = (
    Method(
        "intl_wire", "SWIFT wire", Kind.BANK_TRANSFER, "", "USD", 3,
        {
            "beneficiary": "Example Demo Ltd",
            "bank": "Example Bank",
            "iban": "DE89370400440532013000",
            "bic": "DEUTDEFFXXX",
            "bank_address": "1 Example Street, 00000 Exampletown, Germany",
            "charges": "OUR",
        },
        may_stay=("charges",),
        pattern="*{16} | *{8}-*{4}-*{4}-*{4}-*{12}",
        example="2026070112345678",
        reference_max=35,
    ),
    Method(
        "cash_receipt", "Cash at our office or to our field agent", Kind.CASH, "", "", 0,
        {
            "location": "Example Demo Ltd, 1 Example Street, Exampletown",
            "opening_hours": "Monday to Friday, 9:00 to 17:00",
            "collector": "The cashier on duty",
            "receipt_book_prefix": "R-",
        },
        may_stay=("opening_hours", "collector", "receipt_book_prefix"),
        requires=("reference", "paid_on"),
        pattern="R-#{4,8}",
        example="R-0001",
        reference_max=20,
    ),
    Method(
        "pk_bank_raast", "Raast / IBFT", Kind.BANK_TRANSFER, "PK", "PKR", 1,
        {
            "title": "Example Demo (Pvt) Ltd",
            "bank": "Example Bank",
            "iban": "PK36SCBL0000001123456702",
            "raast_id": "03000000000",
        },
        pattern="*{8,32}",
        example="SCBL0000112345",
        reference_max=35,
    ),
    Method(
        "pk_wallet", "JazzCash / Easypaisa", Kind.MOBILE_WALLET, "PK", "PKR", 0,
        {
            "wallet": "JazzCash or Easypaisa",
            "number": "03000000000",
            "account_title": "Example Demo (Pvt) Ltd",
        },
        may_stay=("wallet",),
        pattern="#{8,14}",
        example="012345678901",
        reference_max=20,
    ),
    Method(
        "in_upi", "UPI", Kind.UPI, "IN", "INR", 0,
        {
            "vpa": "demo@examplepsp",
            "payee_name": "Example Demo Pvt Ltd",
            "mcc": "0000",
        },
        may_stay=("mcc",),
        pattern="#{12}",
        example="012345678901",
        reference_max=35,
    ),
    Method(
        "in_bank", "IMPS / NEFT / RTGS", Kind.BANK_TRANSFER, "IN", "INR", 1,
        {
            "name": "Example Demo Pvt Ltd",
            "account_number": "000000000000",
            "ifsc": "EXMP0000001",
            "branch": "Exampletown",
            "account_type": "Current",
        },
        may_stay=("account_type",),
        pattern="*{12,22}",
        example="EXMPN00112345678",
        reference_max=30,
    ),
    Method(
        "bd_mfs", "bKash / Nagad / Rocket", Kind.MOBILE_WALLET, "BD", "BDT", 0,
        {
            "wallet": "bKash, Nagad or Rocket",
            "number": "01000000000",
            "type": "Merchant",
            "counter_number": "1",
        },
        may_stay=("wallet", "type", "counter_number"),
        pattern="*{8,10}",
        example="9A8B7C6D5E",
        reference_max=20,
    ),
    Method(
        "ng_bank", "NIP transfer", Kind.BANK_TRANSFER, "NG", "NGN", 0,
        {
            "bank": "Example Bank",
            "account_number": "0000000000",
            "account_name": "Example Demo Ltd",
        },
        pattern="#{30}",
        example="000000000000000000000000000001",
        reference_max=30,
    ),
    Method(
        "ke_mpesa", "M-Pesa Paybill / Till", Kind.MOBILE_WALLET, "KE", "KES", 0,
        {
            "paybill": "000000",
            "account_number": "The reference of your invoice",
            "business_name": "Example Demo Ltd",
        },
        may_stay=("account_number",),
        pattern="@*{9}",
        example="QAB1CD2EF3",
        reference_max=12,
    ),
    Method(
        "br_pix", "PIX", Kind.PIX, "BR", "BRL", 0,
        {
            "key_type": "email",
            "key": "pix@demo.test",
            "name": "EXEMPLO DEMO LTDA",
            "city": "EXEMPLO",
        },
        may_stay=("key_type",),
        pattern="E#{20}*{11}",
        example="E0000000020260701120012345678901",
        reference_max=25,
    ),
    Method(
        "eu_sepa", "SEPA (instant) transfer", Kind.BANK_TRANSFER, "DE", "EUR", 1,
        {
            "holder": "Example Demo GmbH",
            "iban": "DE89370400440532013000",
            "bic": "DEUTDEFFXXX",
            "bank": "Example Bank",
        },
        requires=("reference", "payer_name"),
        reference_max=140,
    ),
    Method(
        "gb_fps", "Faster Payments", Kind.BANK_TRANSFER, "GB", "GBP", 0,
        {
            "name": "Example Demo Ltd",
            "sort_code": "00-00-00",
            "account_number": "00000000",
            "iban": "GB82WEST12345698765432",
        },
        reference_max=18,
    ),
    Method(
        "us_bank", "ACH / Fedwire / check", Kind.BANK_TRANSFER, "US", "USD", 2,
        {
            "name": "Example Demo Inc",
            "routing_number": "000000000",
            "account_number": "000000000000",
            "account_type": "Checking",
            "remit_address": "Example Demo Inc, 1 Example Street, Exampletown 00000",
        },
        may_stay=("account_type",),
        pattern="#{15} | *{22}",
        example="000000000000001",
        reference_max=15,
    ),
    Method(
        "ae_bank", "UAEFTS / Aani", Kind.BANK_TRANSFER, "AE", "AED", 1,
        {
            "name": "Example Demo LLC",
            "bank": "Example Bank",
            "iban": "AE070331234567890123456",
            "bic": "EXMPAEADXXX",
            "trn": "000000000000000",
        },
        pattern="*{6,35}",
        example="EXMP00112345",
        reference_max=35,
    ),
)  # fmt: skip


_EXAMPLES = {
    method.code: {key: value for key, value in method.fields.items() if key not in method.may_stay}
    for method in METHODS
}


def still_examples(method: PaymentMethod) -> list[str]:
    """The payee's fields that are as they came with the catalogue: made up, so what is paid there is lost."""
    return [key for key, value in _EXAMPLES.get(method.code, {}).items() if method.fields.get(key) == value]
