from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.models.base import (
    TEXT_BY_KEY,
    BaseModel,
    JsonFits,
    MoneyField,
    is_code,
    is_referred_to,
    list_of,
    not_negative_amount,
)
from core.models.guards import CodeKept
from core.models.payee_guards import PayeeKept
from core.money import is_currency
from core.payees.fields import PayeeLine, clean_payee, payee_lines
from core.payees.instructions import asks_for_creditor_reference, instruction_faults
from core.payees.kinds import Kind
from core.payees.references import CREDITOR_LENGTH
from core.validation.countries import country_codes
from core.validation.patterns import matches, parse

log = logging.getLogger(__name__)

BANK_LAG_AT_MOST = 90  # days: what is later is not on its way
TOLERANCE_PERCENT_AT_MOST = 5
# Some 10 to 150 euros of 2026.
TOLERANCE_AT_MOST = 50
MORE_AT_MOST: dict[int, tuple[str, ...]] = {
    500: (
        "AED", "BRL", "CNY", "CZK", "DKK", "EGP", "HKD", "ILS", "MAD", "MXN", "MYR", "NOK", "PHP", "PLN", "QAR", "RON",
        "SAR", "SEK", "THB", "TRY", "TWD", "UAH", "ZAR", "ZMW",
    ),
    10_000: (
        "BDT", "DZD", "ETB", "HUF", "INR", "ISK", "JPY", "KES", "KZT", "LKR", "NPR", "PKR", "RSD", "RUB", "YER",
    ),
    100_000: ("AMD", "ARS", "CLP", "KRW", "MMK", "MNT", "NGN", "RWF", "TZS", "UGX", "XAF", "XOF"),
    1_000_000: ("COP", "GNF", "IDR", "IQD", "IRR", "LAK", "LBP", "MGA", "PYG", "UZS", "VND"),
}  # fmt: skip
CLAIM_FIELDS = ("reference", "notes", "proof_url", "paid_on", "payer_name")


def most_tolerance(currency: str) -> int:
    """Blank: a method for any currency."""
    return next((most for most, codes in MORE_AT_MOST.items() if currency in codes), TOLERANCE_AT_MOST)


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def offered_in(self, country: str) -> PaymentMethodQuerySet:
        """The country's own first, then the global ones."""
        return self.filter(Q(country=country) | Q(country=""), is_enabled=True).order_by(
            models.Case(models.When(country="", then=1), default=0), "position", "code"
        )


class PaymentMethod(BaseModel):
    Kind = Kind

    CLAIM_FIELDS = CLAIM_FIELDS

    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind)
    country = models.CharField(max_length=2, blank=True)  # blank: offered everywhere
    currency = models.CharField(max_length=3, blank=True)  # blank: any
    instructions = models.JSONField(default=dict)  # language -> Markdown with {amount}, {currency}, {reference}...
    fields = models.JSONField(default=dict, blank=True)
    requires = models.JSONField(default=list, blank=True)  # which of CLAIM_FIELDS must be filled
    # Of the transaction id that the payer's bank shows: a hint, never a refusal.
    reference_pattern = models.CharField(max_length=100, blank=True, default="", db_default="")
    reference_example = models.CharField(max_length=140, blank=True, default="", db_default="")
    reference_max = models.PositiveSmallIntegerField(null=True, blank=True)  # the longest text that the bank passes on
    # What may be lost to bank fees before an invoice counts as underpaid.
    tolerance_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(TOLERANCE_PERCENT_AT_MOST)],
    )
    tolerance_max = MoneyField(default=0)  # in the invoice's currency
    # Written by a trigger: when an issued invoice first showed the method, and since when its payee differs from
    # theirs.
    shown_at = models.DateTimeField(null=True, blank=True, editable=False)
    payee_since = models.DateTimeField(null=True, blank=True, editable=False)
    bank_lag_days = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(BANK_LAG_AT_MOST)])
    position = models.PositiveSmallIntegerField(default=0)
    is_enabled = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                name="payment_method_tolerance_in_range",
                condition=not_negative_amount("tolerance_max")
                & Q(tolerance_percent__gte=0, tolerance_percent__lte=100),
            ),
            models.CheckConstraint(
                name="payment_method_tolerance_bounded",
                condition=Q(
                    tolerance_percent__lte=TOLERANCE_PERCENT_AT_MOST,
                    tolerance_max__lte=models.Case(
                        *(models.When(currency__in=codes, then=most) for most, codes in MORE_AT_MOST.items()),
                        default=TOLERANCE_AT_MOST,
                        output_field=models.IntegerField(),
                    ),
                ),
            ),
            PayeeKept(name="payment_method_payee_kept"),
            # Readers rely on the shape, however the row was written.
            models.CheckConstraint(
                name="payment_method_place",
                condition=is_code("country", 2, blank=True) & is_code("currency", 3, blank=True),
            ),
            models.CheckConstraint(
                name="payment_method_texts",
                condition=Q(JsonFits("instructions", path=TEXT_BY_KEY)) & Q(JsonFits("fields", path=TEXT_BY_KEY)),
            ),
            models.CheckConstraint(
                name="payment_method_requires", condition=Q(JsonFits("requires", path=list_of(*CLAIM_FIELDS)))
            ),
            models.CheckConstraint(name="payment_method_bank_lag", condition=Q(bank_lag_days__lte=BANK_LAG_AT_MOST)),
            CodeKept(
                name="payment_method_code_kept",
                references=[("core_payment", "method_id"), ("core_invoice", "payment_method_id")],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def keeps_code(self) -> bool:
        return not self._state.adding and is_referred_to(self)

    @property
    def tells_transfers_apart(self) -> bool:
        """The number of a receipt identifies no transfer."""
        return "reference" in self.requires and self.kind != self.Kind.CASH

    @property
    def is_sound(self) -> bool:
        texts = [self.__dict__.get(name, {}) for name in ("instructions", "fields")]
        return isinstance(self.requires, list) and all(
            isinstance(by_key, dict) and all(isinstance(text, str) for text in by_key.values()) for by_key in texts
        )

    def tolerance(self, total: Decimal) -> Decimal:
        return min(total * self.tolerance_percent / 100, self.tolerance_max)

    def payee(self) -> list[PayeeLine]:
        return payee_lines(self.kind, self.fields)

    def expects(self, reference: str) -> bool:
        if not self.reference_pattern or not reference:
            return True
        try:
            return matches(self.reference_pattern, reference)
        except ValueError:  # saved without the forms
            return True

    def clean(self) -> None:
        """Errors of `fields` carry the payee field's key as their code."""
        errors: dict[str, Any] = {}
        before = None if self._state.adding else PaymentMethod.objects.filter(pk=self.pk).first()
        if before is not None and before.code != self.code and before.keeps_code:
            errors["code"] = f'The code "{before.code}" is in use and stays. The name can be changed.'
        if self.country and self.country not in country_codes():
            errors["country"] = "Use a country code of ISO 3166-1, such as PK."
        if self.currency and not is_currency(self.currency):
            errors["currency"] = "Use a currency code of ISO 4217, such as USD."
        if not isinstance(self.requires, list) or not all(name in CLAIM_FIELDS for name in self.requires):
            errors["requires"] = f"Name fields of a claim: {', '.join(CLAIM_FIELDS)}."
        if faults := instruction_faults(self.instructions):
            errors["instructions"] = faults
        elif error := self._reference_error():
            errors["instructions"] = error
        if error := self._mask_error():
            errors["reference_pattern"] = error
        elif not self.expects(self.reference_example):
            errors["reference_example"] = "The example does not fit the pattern."
        if isinstance(self.tolerance_max, Decimal) and not 0 <= self.tolerance_max <= most_tolerance(self.currency):
            errors["tolerance_max"] = f"At most {most_tolerance(self.currency):,} {self.currency}".rstrip() + "."
        if payee_errors := self._clean_payee():
            errors["fields"] = payee_errors
        if errors:
            raise ValidationError(errors)

    def _clean_payee(self) -> list[ValidationError]:
        if not isinstance(self.fields, dict):
            return [ValidationError("Write the fields by name.", code="invalid")]
        kept, errors = clean_payee(self.kind, self.country, self.fields, is_offered=self.is_enabled)
        if not errors:
            self.fields = kept
        return [ValidationError(words, code=key) for key, words in errors.items()]

    def _reference_error(self) -> str:
        reaches_us = self.reference_max or CREDITOR_LENGTH
        if reaches_us < CREDITOR_LENGTH and asks_for_creditor_reference(self.instructions):
            return f"{{rf_reference}} has {CREDITOR_LENGTH} characters, and the longest text has {reaches_us}."
        return ""

    def _mask_error(self) -> str:
        try:
            if self.reference_pattern:
                parse(self.reference_pattern)
        except ValueError as error:
            return str(error)
        return ""


def sound_methods(methods: Iterable[PaymentMethod]) -> list[PaymentMethod]:
    """Leaves out and logs methods that were saved past forms and constraints."""
    good = []
    for method in methods:
        if method.is_sound:
            good.append(method)
        else:
            log.error("payment method %s is left out: its texts or requirements have no shape", method.code)
    return good
