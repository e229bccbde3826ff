from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.base import BaseModel, JsonFits, is_code
from core.validation.number_templates import NUMBER_TEMPLATES, check_template, number_templates
from core.validation.text import is_single_line
from engine.triggers import AppendOnly, NoDelete

ONLY = "1"
COLOUR = r"^#[0-9a-f]{6}$"
WEB_ADDRESS = URLValidator(schemes=["http", "https"])
TAX_IDS_AT_MOST = 5
LONGEST_TAX_ID = 40  # characters, as its label
TAX_IDS = f'strict $.type() == "array" && $.size() <= {TAX_IDS_AT_MOST} && !exists($[*] ? (@.type() != "object"))'


class Seller(BaseModel):
    """The business that bills. What it is called and where it sits are versions; its documents have series of numbers.

    One row, made by a migration: an installation bills for one business.
    """

    code = models.CharField(max_length=3, default=ONLY)  # in front of its series of numbers
    # By kind of document; a change holds for what is issued from then on.
    number_templates = models.JSONField(default=number_templates)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="seller_code", fields=["code"]), NoDelete(name="seller_kept")]

    def __str__(self) -> str:
        return self.code

    @classmethod
    def current(cls) -> Seller:
        return cls.objects.get_or_create(code=ONLY)[0]

    def template_for(self, kind: str) -> str:
        return str(self.number_templates.get(kind, NUMBER_TEMPLATES[kind]))

    def clean(self) -> None:
        templates: Any = self.number_templates
        if not isinstance(templates, dict) or set(templates) - set(NUMBER_TEMPLATES):
            raise ValidationError({"number_templates": f"Give templates of {', '.join(NUMBER_TEMPLATES)}."})
        for kind, template in templates.items():
            if wrong := check_template(template):
                raise ValidationError({"number_templates": f"{kind}: {wrong}"})


class Logo(BaseModel):
    """A picture that documents show; versions of a seller share it."""

    class Kind(models.TextChoices):
        PNG = "png"
        SVG = "svg"

    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=3, choices=Kind)
    content = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="logo_once", fields=["sha256"]),
            AppendOnly(name="logo_append_only"),
        ]

    def __str__(self) -> str:
        return f"logo {self.sha256[:12]}"


class SellerVersion(BaseModel):
    """What documents say of the seller: append-only, and frozen into each document by reference."""

    class Paper(models.TextChoices):
        A4 = "a4"
        LETTER = "letter"

    seller = models.ForeignKey(Seller, models.PROTECT, db_index=False, related_name="versions")
    number = models.PositiveIntegerField()  # 1, 2, 3... of its seller
    legal_name = models.CharField(max_length=150)
    brand_name = models.CharField(max_length=60, blank=True)  # what customers call it; empty: the legal name
    address_line1 = models.CharField(max_length=200)
    address_line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100)
    state = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)
    tax_ids = models.JSONField(default=list, blank=True)  # [{"label": "VAT number", "value": "DE136695976"}]
    registration = models.CharField(max_length=200, blank=True)  # register and number
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.CharField(max_length=200, blank=True, validators=[WEB_ADDRESS])
    support_url = models.CharField(max_length=200, blank=True, validators=[WEB_ADDRESS])
    bank_details = models.TextField(max_length=500, blank=True)
    terms = models.TextField(max_length=1000, blank=True)  # under each invoice
    footer = models.TextField(max_length=500, blank=True)  # on each page
    sender_name = models.CharField(max_length=60, blank=True)  # of mails; empty: the brand name
    reply_to = models.EmailField(max_length=254, blank=True)
    logo = models.ForeignKey(Logo, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    colour = models.CharField(max_length=7, default="#1f4f46")
    paper = models.CharField(max_length=6, choices=Paper, default=Paper.A4)
    # On receipts, the name of who countersigned; else that the seller did.
    names_signer = models.BooleanField(default=False)
    shows_mark = models.BooleanField(default=True)  # a small "made with Countersign"
    saved_by = models.ForeignKey(  # null: the operator of the machine
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="seller_version_number", fields=["seller", "number"]),
            models.CheckConstraint(
                name="seller_version_is_named", condition=~Q(legal_name="") & ~Q(address_line1="") & ~Q(city="")
            ),
            models.CheckConstraint(name="seller_version_country", condition=is_code("country", 2)),
            models.CheckConstraint(name="seller_version_colour", condition=Q(colour__regex=COLOUR)),
            models.CheckConstraint(name="seller_version_tax_ids", condition=Q(JsonFits("tax_ids", path=TAX_IDS))),
            AppendOnly(name="seller_version_append_only"),
        ]
        permissions = [("change_seller", "Change what documents say of the business")]

    def __str__(self) -> str:
        return f"{self.legal_name} ({self.number})"

    @classmethod
    def current(cls) -> SellerVersion | None:
        """None until the company is named."""
        return cls.objects.filter(seller__code=ONLY).select_related("logo").order_by("-number").first()

    @property
    def trade_name(self) -> str:
        return self.brand_name or self.legal_name

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        if wrong := _tax_ids_error(self.tax_ids):
            errors["tax_ids"] = wrong
        if not re.fullmatch(COLOUR, self.colour or ""):
            errors["colour"] = "Write a colour such as #1f4f46."
        if errors:
            raise ValidationError(errors)


def _tax_ids_error(rows: Any) -> str:
    if not isinstance(rows, list) or len(rows) > TAX_IDS_AT_MOST:
        return f"At most {TAX_IDS_AT_MOST} tax ids."
    for row in rows:
        if not isinstance(row, dict) or set(row) != {"label", "value"}:
            return "Each tax id has a label and a value."
        for text in row.values():
            if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TAX_ID or not is_single_line(text):
                return f"A tax id and its label have 1 to {LONGEST_TAX_ID} characters."
    return ""
