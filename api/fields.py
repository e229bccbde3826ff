"""Fields that take exactly what they say, and serializers that take nothing else."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from core.billing_details import public_email
from core.countries import country_codes
from core.money import CEILING, is_currency, minor_units, money_text
from core.proof_links import is_plain_https

PLAIN_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError({name: ["This field is not known here."] for name in sorted(unknown)})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A line of text, in NFC. `lines=True` lets it have several."""

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Send a string.")
        text = unicodedata.normalize("NFC", super().to_internal_value(data))
        if not self.lines and set(text) & set("\t\r\n"):
            raise serializers.ValidationError("Send a single line.")
        return text


class Email(Text):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 254, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text:
            try:
                public_email(text)
            except DjangoValidationError as error:
                raise serializers.ValidationError("Send a valid e-mail address.") from error
        return text


class Country(Text):
    """ISO 3166-1 alpha-2, in capitals."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and text not in country_codes():
            raise serializers.ValidationError("Send a country code of ISO 3166-1, such as PK.")
        return text


class Currency(Text):
    """ISO 4217, in capitals."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_currency(text):
            raise serializers.ValidationError("Send a currency code of ISO 4217, such as USD.")
        return text


class Amount(serializers.Field):
    """Money as a string of ASCII digits, above zero; `fits` checks the currency's minor units."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not PLAIN_AMOUNT.fullmatch(data):
            raise serializers.ValidationError('Send money as a string such as "89.00".')
        amount = Decimal(data)
        if not 0 < amount < CEILING:
            raise serializers.ValidationError("The amount must be above zero.")
        return amount

    def to_representation(self, value: Decimal) -> str:
        return f"{value:f}"


def fits(amount: Decimal, currency: str) -> bool:
    """Whether the amount has no more digits than its currency: 89.001 USD does not exist."""
    return amount == amount.quantize(Decimal(1).scaleb(-minor_units(currency)))


class Flag(serializers.Field):
    """true or false, and not what merely looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Send true or false.")
        return data


class Day(serializers.DateField):
    """YYYY-MM-DD and nothing else."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not DATE.fullmatch(data):
            raise serializers.ValidationError("Send a date as YYYY-MM-DD.")
        return super().to_internal_value(data)


class Key(serializers.UUIDField):
    """A UUID in its usual spelling."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", data):
            raise serializers.ValidationError("Send an id as it was given to you.")
        return super().to_internal_value(data)


class ProofUrl(Text):
    """A link that staff may open and we never do: https, a plain host, nobody's password in it."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and not is_plain_https(text):
            raise serializers.ValidationError("Send an https:// address without user name or port.")
        return text


class Money(serializers.Field):
    """An amount of the row, written in the row's currency."""

    def __init__(self, attribute: str, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)
        self.attribute = attribute

    def to_representation(self, value: Any) -> str | None:
        amount = getattr(value, self.attribute)
        return None if amount is None else money_text(amount, value.currency)
