from __future__ import annotations

from django.dispatch import Signal

# After commit. ids: of effects that are due now. Receivers must not raise or wait.
effects_created = Signal()

# In the transaction in which an operator changes pauses or rates. facts: JSON without personal data.
pauses_or_rates_changed = Signal()
