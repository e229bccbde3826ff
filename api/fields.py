"""A field's `openapi` is what it accepts, as the published schema states it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import extend_schema_serializer
from iso4217 import Currency as KnownCurrency
from rest_framework import serializers

from core.models.billing_details import public_email
from core.money import is_currency, money_text
from core.problems import ValidationError
from core.time_zones import canonical_time_zone
from core.validation.countries import country_codes
from core.validation.proof_links import TYPED_HTTPS, plain_https
from core.validation.text import CONTROLS, composed, has_visible_character, is_lines, is_single_line

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Above zero, below the ceiling, at most four digits after the point.
PLAIN_AMOUNT = r"[1-9][0-9]{0,11}(\.[0-9]{1,4})?|0\.([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9])"
PLAIN_KEY = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MONEY_OUT = {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$", "examples": ["89.00"]}


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know, and of a form those that are sent twice."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError({name: ["This field is not known here."] for name in sorted(unknown)})
        if isinstance(data, MultiValueDict) and (twice := [name for name in data if len(data.getlist(name)) > 1]):
            raise serializers.ValidationError({name: ["Send this field once."] for name in twice})
        return super().to_internal_value(data)


@extend_schema_serializer(component_name="Nothing")  # its published name
class EmptyBody(StrictSerializer):
    """A body without fields, or none at all."""


class Text(serializers.CharField):
    """One line of text in NFC, or several with `lines=True`. `max_length` counts NFC with surrounding blanks.

    Text that draws nothing, such as a zero-width space, counts as empty.
    """

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lines = lines

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Send a string.")
        if not self.lines and not is_single_line(data):
            raise serializers.ValidationError("Send a single line.")
        if not is_lines(data):
            raise serializers.ValidationError("Send lines that end as usual, not with U+2028 or U+2029.")
        text = self.normalised(data)
        if self.trim_whitespace and not has_visible_character(text):
            if not self.allow_blank:
                self.fail("blank")
            return ""
        self.check_length(text)
        return super().to_internal_value(text)

    def normalised(self, text: str) -> str:
        return composed(text)

    def check_length(self, text: str) -> None:
        if self.max_length is not None and len(text) > self.max_length:
            raise serializers.ValidationError(f"Send at most {self.max_length} characters.")

    @property
    def openapi(self) -> dict[str, Any]:
        not_these = CONTROLS if self.lines else CONTROLS + r"\t\r\n"
        a_word = rf"[^\s{not_these}][^{not_these}]*" if self.trim_whitespace and not self.allow_blank else ""
        limits = {"minLength": 0 if self.allow_blank else 1, "maxLength": self.max_length}
        return {
            "type": "string",
            "pattern": rf"^[^{not_these}]*{a_word}$",
            **{name: limit for name, limit in limits.items() if limit},
        }


class Password(Text):
    """Kept as typed, with blanks; `User` normalises passwords."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 128, "trim_whitespace": False, **kwargs})

    def normalised(self, text: str) -> str:
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

    @property
    def openapi(self) -> dict[str, Any]:
        address = {"type": "string", "format": "email", "maxLength": self.max_length}
        return {"anyOf": [address, {"const": ""}]} if self.allow_blank else address


class _Code(Text):
    """A code of a public standard; a component of its own in the published schema."""

    component: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def codes(self) -> list[str]:
        raise NotImplementedError

    @property
    def openapi(self) -> dict[str, Any]:
        code = {"$ref": f"#/components/schemas/{self.component}"}
        return {"anyOf": [code, {"const": ""}]} if self.allow_blank else code

    def openapi_component(self) -> dict[str, Any]:
        """The component that `openapi` refers to."""
        return {"type": "string", "description": (self.__doc__ or "").strip(), "enum": self.codes()}


class Country(_Code):
    """ISO 3166-1 alpha-2, in capitals."""

    component = "Country"

    def codes(self) -> list[str]:
        return sorted(country_codes())

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and text not in country_codes():
            raise serializers.ValidationError("Send a country code of ISO 3166-1, such as PK.")
        return text


class Currency(_Code):
    """ISO 4217, in capitals."""

    component = "Currency"

    def codes(self) -> list[str]:
        return sorted(code.code for code in KnownCurrency if is_currency(code.code))

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not is_currency(text):
            raise serializers.ValidationError("Send a currency code of ISO 4217, such as USD.")
        return text


class TimeZone(Text):
    """An IANA time zone, stored under its present name."""

    def to_internal_value(self, data: Any) -> str:
        name = canonical_time_zone(super().to_internal_value(data))
        if not name:
            raise serializers.ValidationError("Send a time zone of the IANA database, such as Asia/Karachi.")
        return name


class Amount(serializers.Field):
    """Money as a string of ASCII digits, above zero; `core.money.check_amount` checks the currency's minor units."""

    openapi = {"type": "string", "pattern": f"^({PLAIN_AMOUNT})$", "examples": ["89.00"]}

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not re.fullmatch(PLAIN_AMOUNT, data):
            raise serializers.ValidationError('Send money above zero as a string such as "89.00".')
        return Decimal(data)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:f}"


@contextmanager
def in_public_names(names: Mapping[str, str]) -> Iterator[None]:
    """From column names to API names."""
    try:
        yield
    except ValidationError as problem:
        errors = problem.members["errors"]
        raise ValidationError({names.get(name, name): lines for name, lines in errors.items()}) from problem


class StrictInteger(serializers.Field):
    """A JSON integer: not 1.0, "1" or true."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not self.least <= data <= self.most:
            raise serializers.ValidationError(f"Send a whole number from {self.least} to {self.most}.")
        return data

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class StrictBoolean(serializers.Field):
    """JSON true or false, not "true" or 1."""

    openapi = {"type": "boolean"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Send true or false.")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


class DateField(serializers.DateField):
    """YYYY-MM-DD only."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not DATE.fullmatch(data):
            raise serializers.ValidationError("Send a date as YYYY-MM-DD.")
        return super().to_internal_value(data)


class UuidField(serializers.UUIDField):
    """A UUID in lower case with hyphens."""

    openapi = {"type": "string", "format": "uuid", "pattern": f"^{PLAIN_KEY}$"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not re.fullmatch(PLAIN_KEY, data):
            raise serializers.ValidationError("Send an id as it was given to you.")
        return super().to_internal_value(data)


class ProofUrl(Text):
    """A link that staff may open and we never fetch: https, a host with a dot, no user name or password.

    Stored in ASCII, as browsers send it; `max_length` counts that.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text:
            return text
        try:
            link = plain_https(text)
        except ValueError as error:
            raise serializers.ValidationError("Send an https:// address without user name or port.") from error
        self.check_length(link)
        return link

    def normalised(self, text: str) -> str:
        return text  # a file with a decomposed name has only that URL

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({TYPED_HTTPS})?$", "maxLength": self.max_length}


class Choice(serializers.ChoiceField):
    """A choice that must be sent as a string."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            raise serializers.ValidationError("Send a string.")
        return super().to_internal_value(data)


class UtcDateTime(serializers.DateTimeField):
    """RFC 3339 in UTC, whatever the current time zone is; 1 us where DRF's field takes 8."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class MoneyText(serializers.Field):
    """An amount that is formatted already."""

    openapi = MONEY_OUT

    def to_representation(self, value: str) -> str:
        return value


class Money(serializers.Field):
    """An amount of a row, formatted in the row's currency. nullable: it may still be missing."""

    def __init__(self, attribute: str, *, nullable: bool = False, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)
        self.attribute, self.allow_null = attribute, nullable

    openapi = MONEY_OUT

    def to_representation(self, value: Any) -> str | None:
        amount = getattr(value, self.attribute)
        return None if amount is None else money_text(amount, value.currency)
