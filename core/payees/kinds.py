from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    BANK_TRANSFER = "bank_transfer"
    MOBILE_WALLET = "mobile_wallet"
    UPI = "upi"
    PIX = "pix"
    CASH = "cash"
