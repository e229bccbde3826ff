from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast, Coalesce

from core.models.base import BaseModel, JsonFits, is_code
from core.validation.countries import EU, country_codes
from core.validation.text import is_single_line

STANDARD = "S"
WITH_REASON = ("E", "AE", "G", "K")  # EN 16931 BR-E-10, BR-AE-10, BR-G-10, BR-IC-10
WITH_TAX_ID = ("AE", "K")  # the customer reports the tax instead
ABROAD = ("G", "K")
SALES = ("seller_country", "customer_country", "same_region", "has_tax_id", "product_kind")  # what a rule is about
WHOLE = 100
LABEL_LENGTH = 30
# None, or two labels whose shares of the rate make all of it.
_PART = (
    '@.type() == "object" && @.label.type() == "string" && @.label != "" && @.share > 0 && @.share == @.share.floor()'
)
PARTS = (
    'strict $.type() == "array" && ($.size() == 0 || $.size() == 2 '
    f"&& exists($[0] ? ({_PART})) && exists($[1] ? ({_PART})) "
    f"&& $[0].label != $[1].label && $[0].share + $[1].share == {WHOLE})"
)


class KeyRange(Func):
    """A range that is equal for rows that are equal in these columns.

    Exclusion needs GiST, whose index of texts is an extension that a hosted database may lack; ranges need none.
    """

    template = "int8range(hashtextextended(%(expressions)s, 0), NULL)"
    arg_joiner = " || '/' || "
    output_field = BigIntegerRangeField()

    def __init__(self, *columns: str) -> None:
        text = models.TextField()
        super().__init__(*(Coalesce(Cast(column, text), Value("any"), output_field=text) for column in columns))


class Days(Func):
    function = "daterange"
    template = "%(function)s(%(expressions)s, '[]')"
    output_field = DateRangeField()


class TaxRule(BaseModel):
    """Which tax an invoice asks for. Invoices keep a copy: a rule that changes moves none of them."""

    class Category(models.TextChoices):
        STANDARD = "S", "S: standard or reduced rate"
        ZERO = "Z", "Z: zero rated"
        EXEMPT = "E", "E: exempt"
        REVERSE_CHARGE = "AE", "AE: reverse charge"
        OUTSIDE_SCOPE = "O", "O: outside scope"
        EXPORT = "G", "G: export"
        INTRA_COMMUNITY = "K", "K: supply within the EU"

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription"
        CREDITS = "credits"

    seller_country = models.CharField(max_length=2)
    customer_country = models.CharField(
        max_length=2, blank=True, help_text="Empty: any. EU: a member other than the seller's country."
    )
    same_region = models.BooleanField(
        "in the seller's region", null=True, blank=True, help_text="For customers in the seller's own country."
    )
    has_tax_id = models.BooleanField("customer has a valid tax id", null=True, blank=True)
    product_kind = models.CharField(max_length=20, choices=Kind, blank=True, help_text="Empty: any.")
    category = models.CharField(max_length=2, choices=Category)
    rate = models.DecimalField(
        "rate in percent",
        max_digits=6,
        decimal_places=3,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    label = models.CharField(max_length=LABEL_LENGTH, default="VAT", help_text="On the invoice: VAT, GST, IGST.")
    parts = models.JSONField(
        default=list,
        blank=True,
        help_text='Two labels for one rate: [{"label": "CGST", "share": 50}, {"label": "SGST", "share": 50}].',
    )
    reason = models.CharField(max_length=200, blank=True, help_text="On the invoice, where no tax is asked for.")
    reason_code = models.CharField(
        max_length=30,
        blank=True,
        help_text="Of the VATEX list, such as VATEX-EU-AE.",
        validators=[RegexValidator(r"^VATEX-[A-Z0-9-]+\Z", "Write a code of the VATEX list, or nothing.")],
    )
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The last day.")
    is_enabled = models.BooleanField("enabled", default=True)

    class Meta:
        ordering = ["seller_country", "customer_country", "product_kind", "valid_from", "id"]
        constraints = [
            models.CheckConstraint(
                name="tax_rule_place",
                condition=is_code("seller_country", 2)
                & is_code("customer_country", 2, blank=True)
                & (Q(same_region=None) | Q(customer_country=F("seller_country"))),
            ),
            models.CheckConstraint(
                name="tax_rule_known",
                condition=Q(category__in=["S", "Z", "E", "AE", "O", "G", "K"])
                & Q(product_kind__in=["", "subscription", "credits"])
                & ~Q(label=""),
            ),
            models.CheckConstraint(
                name="tax_rule_rate",  # NaN is above 100
                condition=Q(category=STANDARD, rate__gt=0, rate__lte=100) | ~Q(category=STANDARD) & Q(rate=0),
            ),
            models.CheckConstraint(name="tax_rule_reason", condition=~Q(category__in=WITH_REASON) | ~Q(reason="")),
            models.CheckConstraint(
                name="tax_rule_reason_code", condition=Q(reason_code="") | Q(reason_code__regex="^VATEX-[A-Z0-9-]+$")
            ),
            models.CheckConstraint(
                name="tax_rule_needs_tax_id",
                condition=~Q(category__in=WITH_TAX_ID) | Q(has_tax_id__isnull=False, has_tax_id=True),
            ),
            models.CheckConstraint(
                name="tax_rule_abroad",
                condition=~Q(category__in=ABROAD) | ~Q(customer_country=F("seller_country")),
            ),
            models.CheckConstraint(
                name="tax_rule_parts",
                condition=Q(JsonFits("parts", path=PARTS)) & (Q(category=STANDARD) | Q(parts=[])),
            ),
            models.CheckConstraint(
                name="tax_rule_days", condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from"))
            ),
            ExclusionConstraint(
                name="tax_rule_once_at_a_time",
                expressions=[
                    (KeyRange(*SALES), RangeOperators.EQUAL),
                    (Days("valid_from", "valid_until"), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_enabled=True),
                violation_error_message="An enabled rule for the same sales is valid on some of these days.",
            ),
        ]

    def __str__(self) -> str:
        about = [
            f"{self.seller_country} to {self.customer_country or 'any country'}",
            {True: "same region", False: "another region"}.get(self.same_region, ""),
            {True: "with tax id", False: "without tax id"}.get(self.has_tax_id, ""),
            self.product_kind,
        ]
        return f"{', '.join(filter(None, about))}: {self.category} {self.label} {plain(self.rate)} %"

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        self.parts = [] if self.parts is None else self.parts
        if self.seller_country not in country_codes():
            errors["seller_country"] = "Use a country code of ISO 3166-1, such as PK."
        if self.customer_country and self.customer_country not in {*country_codes(), EU}:
            errors["customer_country"] = "Use a country code of ISO 3166-1, such as PK, or EU, or nothing."
        if self.same_region is not None and self.customer_country != self.seller_country:
            errors["same_region"] = "Only customers in the seller's country have the same region or another."
        errors |= self._rate_errors()
        if self.category in ABROAD and self.customer_country == self.seller_country:
            errors["category"] = "This category is for customers in other countries."
        if self.category in WITH_TAX_ID and not self.has_tax_id:
            errors["has_tax_id"] = "This category is for customers with a valid tax id alone."
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            errors["valid_until"] = "The last day is not before the first."
        if errors:
            raise ValidationError(errors)

    def _rate_errors(self) -> dict[str, str]:
        errors = {}
        if self.category == STANDARD and self.rate == 0:
            errors["rate"] = "Choose Z, E or O where nothing is asked for."
        if self.category != STANDARD and self.rate:
            errors["rate"] = "Only category S has a rate."
        if self.category in WITH_REASON and not self.reason:
            errors["reason"] = "The invoice has to say why no tax is asked for."
        if not _are_parts(self.parts):
            errors["parts"] = "Write two labels, each with a share, which make 100 together, or nothing."
        elif self.parts and self.category != STANDARD:
            errors["parts"] = "Only category S has parts."
        return errors


def _are_parts(parts: Any) -> bool:
    if not isinstance(parts, list) or len(parts) not in {0, 2} or not all(map(_is_part, parts)):
        return False
    labels, shares = {part["label"] for part in parts}, [part["share"] for part in parts]
    return not parts or (len(labels) == 2 and sum(shares) == WHOLE)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or set(part) != {"label", "share"}:
        return False
    label, share = part["label"], part["share"]
    is_label = isinstance(label, str) and 0 < len(label) <= LABEL_LENGTH and is_single_line(label)
    return is_label and type(share) is int and share > 0


def plain(rate: Decimal) -> str:
    """Without zeros at its end."""
    return f"{Decimal(rate).normalize():f}"
