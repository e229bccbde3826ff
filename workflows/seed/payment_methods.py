from __future__ import annotations

from core.models import PaymentMethod
from core.payees.instructions import DEMO_WARNING
from workflows.payees.example_instructions import INSTRUCTIONS
from workflows.payees.examples import METHODS, Method


def seed_payment_methods(*, is_enabled: bool = True) -> int:
    """Existing ones keep what their operator made of them."""
    return sum(_add(method, position, is_enabled) for position, method in enumerate(METHODS, start=1))


def _add(method: Method, position: int, is_enabled: bool) -> bool:
    _, is_new = PaymentMethod.objects.get_or_create(
        code=method.code,
        defaults={
            "name": method.name,
            "kind": method.kind,
            "country": method.country,
            "currency": method.currency,
            "fields": method.fields,
            "instructions": _with_warning(INSTRUCTIONS[method.code]),
            "requires": list(method.requires),
            "reference_pattern": method.pattern,
            "reference_example": method.example,
            "reference_max": method.reference_max,
            "bank_lag_days": method.bank_lag_days,
            "position": position,
            "is_enabled": is_enabled,
            "is_demo": True,
        },
    )
    return is_new


def _with_warning(instructions: dict[str, str]) -> dict[str, str]:
    # The same words in every language, so that everybody can find them.
    return {language: f"{DEMO_WARNING}\n\n{text}" for language, text in instructions.items()}
