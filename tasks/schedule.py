"""The clock: what is rung, and how often. Two beats at once only ring twice."""

from __future__ import annotations

TIMES = {
    "sweep": {"task": "tasks.effects.sweep_effects", "schedule": 1.0, "options": {"expires": 5}},
    "tidy": {"task": "tasks.effects.tidy_up", "schedule": 600.0, "options": {"expires": 60}},
}
