"""The one thread that runs upward: somebody above may want to know that there is work."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after commit with `ids`: the keys of effects that are due now. Receivers must not raise or wait.
effects_created = Signal()

# Sent in the transaction of what staff did to pauses and rates: `what`, `by` and `facts`, JSON that names no person.
operated = Signal()
