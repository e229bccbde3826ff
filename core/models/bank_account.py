from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from stdnum import iban

from core.models.base import BaseModel, MoneyField, is_code, not_negative_amount
from core.models.payment_method import PaymentMethod
from core.money import is_currency
from core.payees.latin import NotLatinError, in_latin
from engine.triggers import Frozen


class BankAccount(BaseModel):
    """An account of the operator's, at a bank or a wallet, whose statements are imported."""

    name = models.CharField(max_length=100, unique=True)
    iban = models.CharField("IBAN", max_length=34, blank=True)  # without blanks
    number = models.CharField(max_length=34, blank=True, help_text="Where the account has no IBAN.")
    bank = models.CharField(max_length=20, blank=True, help_text="BIC or national code, where the number needs it.")
    # On payout files, which need it.
    holder = models.CharField(max_length=70, blank=True, db_default="", default="", help_text="As the bank has it.")
    currency = models.CharField(max_length=3)
    payment_methods = models.ManyToManyField(
        PaymentMethod, blank=True, related_name="bank_accounts", help_text="Whose money arrives here."
    )
    is_automatic = models.BooleanField("automatic", default=False, help_text="Approve sure matches without a person.")
    automatic_limit = MoneyField(null=True, blank=True)  # in `currency`: above it a person decides
    # Rules of matching that only suggest here.
    rules_by_hand = ArrayField(models.CharField(max_length=60), blank=True, default=list, db_default=[])
    profile = models.JSONField(null=True, blank=True)  # how its CSV files are read: `delimited.Profile`
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            Frozen(name="bank_account_currency_frozen", columns=["currency"]),  # its lines are in it
            models.CheckConstraint(
                name="bank_account_is_identified", condition=~Q(iban="", number="") & is_code("currency", 3)
            ),
            models.UniqueConstraint(name="bank_account_iban", fields=["iban", "currency"], condition=~Q(iban="")),
            models.UniqueConstraint(
                name="bank_account_number", fields=["bank", "number", "currency"], condition=~Q(number="")
            ),
            models.CheckConstraint(
                name="bank_account_limit_in_range",
                condition=Q(is_automatic=False, automatic_limit__isnull=True)
                | Q(automatic_limit__isnull=False) & not_negative_amount("automatic_limit"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Normalises the numbers. Raises for a wrong IBAN, an unknown currency, and an account without a number."""
        for field in ("iban", "number", "bank"):
            compact = "".join(getattr(self, field).split())
            if not compact.isascii():  # capitals of other letters may be longer than their column
                raise ValidationError({field: "Write it in the letters A to Z and digits."})
            setattr(self, field, compact.upper())
        self.currency = self.currency.upper()
        if self.holder and self.iban and self.currency == "EUR":
            try:
                in_latin(self.holder, country=self.iban[:2])
            except NotLatinError as error:
                raise ValidationError({"holder": f"Write it in Latin letters, as the bank has it. {error}"}) from error
        if self.iban and not iban.is_valid(self.iban):
            raise ValidationError({"iban": "This is no IBAN: its check digits are wrong."})
        if not self.iban and not self.number:
            raise ValidationError({"iban": "Give the IBAN or the number of the account."})
        if self.is_automatic and self.automatic_limit is None:
            raise ValidationError({"automatic_limit": "Say up to which amount nobody needs to look."})
        if not is_currency(self.currency):
            raise ValidationError({"currency": "There is no such currency."})
