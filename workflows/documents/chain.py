"""Each document of a seller holds the digest of the one made before it, so none can be changed or taken out unseen."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from core.models import Seller


@dataclass(frozen=True)
class Link:
    place: int
    previous_sha256: str  # empty: the first


def next_link(seller: Seller, sha256: str) -> Link:
    """The chain stays locked until the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_documentchain (seller_id, place, sha256) VALUES (%s, 0, '')
               ON CONFLICT (seller_id) DO NOTHING""",
            [seller.pk],
        )
        cursor.execute(
            "SELECT place, sha256 FROM core_documentchain WHERE seller_id = %s FOR NO KEY UPDATE", [seller.pk]
        )
        place, before = cursor.fetchone()
        cursor.execute(
            "UPDATE core_documentchain SET place = place + 1, sha256 = %s WHERE seller_id = %s", [sha256, seller.pk]
        )
    return Link(place + 1, before)
