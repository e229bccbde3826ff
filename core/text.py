"""What a line of text may hold."""

from __future__ import annotations

import re

# Controls of C0 and C1, lone surrogates, line and paragraph separators, and what turns text around.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def is_single_line(text: str) -> bool:
    """Whether it is one line, of characters that people type."""
    return FORBIDDEN.search(text) is None
