from __future__ import annotations

from core.models import Industry

INDUSTRIES = (
    "Agriculture",
    "Construction",
    "Education",
    "Finance",
    "Health care",
    "Hospitality",
    "Manufacturing",
    "Professional services",
    "Retail",
    "Technology",
)


def seed_industries() -> int:
    # An empty list only: an industry has no code, so a renamed one would come back.
    if Industry.objects.exists():
        return 0
    return len(Industry.objects.bulk_create(Industry(name=name) for name in INDUSTRIES))
