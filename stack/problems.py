from __future__ import annotations


class StackError(Exception):
    """The stack cannot do this; the text says what to do next and is all the person sees."""
