from __future__ import annotations

from core.models import SellerVersion
from workflows.actions.seller import save_seller

DEMO = {
    "legal_name": "Example Software Inc. (demo)",
    "brand_name": "Example Software",
    "address_line1": "1 Sample Street",
    "city": "Sampletown",
    "state": "NY",
    "postal_code": "10001",
    "country": "US",
    "tax_ids": [{"label": "EIN", "value": "00-0000000"}],
    "email": "billing@demo.test",
    "terms": "Please pay within the days that stand above, and name the payment reference.",
    "footer": "DEMO - DO NOT PAY. No such company exists.",
}


def seed_seller() -> int:
    if SellerVersion.current() is not None:
        return 0
    save_seller(DEMO, by=None)
    return 1
