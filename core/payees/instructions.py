from __future__ import annotations

import re
from typing import Any

from core.validation.text import is_lines

# The payment reference, as it is or as a creditor reference: see `asks_for_creditor_reference`.
PLACEHOLDERS = ("amount", "currency", "reference", "rf_reference", "due_date", "account_name")
DEMO_WARNING = "DEMO - DO NOT PAY"  # the same words in every language

LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", re.ASCII)
IN_BRACES = re.compile(r"\{([^{}]*)\}")
MAX_LENGTH = 5000


def instruction_faults(instructions: Any) -> list[str]:
    if not isinstance(instructions, dict):
        return ['Write {"en": "..."}: a text for each language code.']
    return [fault for code, text in instructions.items() for fault in _faults(code, text)]


def asks_for_creditor_reference(instructions: dict[str, str]) -> bool:
    """Whether payers of a method give the reference as ISO 11649 has it, everywhere: its words name {rf_reference}."""
    return any("{rf_reference}" in text for text in instructions.values())


def _faults(code: str, text: Any) -> list[str]:
    if not LANGUAGE_CODE.fullmatch(code):
        return [f"{code!a} is not a language code such as en, ar or pt-BR."]
    if not isinstance(text, str) or not text.strip():
        return [f"{code}: write a text, or leave the language out."]
    if len(text) > MAX_LENGTH:
        return [f"{code}: at most {MAX_LENGTH} characters."]
    if not is_lines(text):
        return [f"{code}: it contains characters that are no text."]
    unknown = sorted({name for name in IN_BRACES.findall(text) if name not in PLACEHOLDERS})
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    return [f"{code}: {{{name}}} is not known. Known: {known}." for name in unknown]
