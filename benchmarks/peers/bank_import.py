"""Two ways to import bank lines one by one, with the indexes that they want.

`order codes` follows the rule of pretix's plugin for bank transfers as its documentation and tasks.py describe it
(docs.pretix.eu, "Bank transfer"): the checksums of all lines before are read first; each new line is inserted, its
text searched for a prefix and a code of fixed length, the order looked up by the code and once more with confusable
signs replaced, and the line updated with what came of it, in a transaction each. Nothing is confirmed.
`loop` is a Django loop as one writes it first: one query and one insert a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any

from django.db import connection, models
from django.db.transaction import atomic

PREFIX = "thanks"  # what stands before the code in the benchmark's lines, as an event's slug does
PATTERN = re.compile(rf"{PREFIX.upper()}[ \-_]*([A-Z0-9]{{10}})")
CONFUSED = str.maketrans("OQILSBZ", "0011582")


class Order(models.Model):
    code = models.CharField(max_length=16, unique=True)
    status = models.CharField(max_length=3, default="n")

    class Meta:
        app_label = "benchmarks"
        db_table = "bench_order"

    def __str__(self) -> str:
        return self.code


class BankTransaction(models.Model):
    state = models.CharField(max_length=32)
    checksum = models.CharField(max_length=190, db_index=True)
    reference = models.TextField()
    payer = models.TextField()
    iban = models.CharField(max_length=250)
    amount = models.DecimalField(max_digits=13, decimal_places=2)
    date = models.CharField(max_length=50)
    date_parsed = models.DateField(null=True)
    order = models.ForeignKey(Order, models.CASCADE, null=True)

    class Meta:
        app_label = "benchmarks"
        db_table = "bench_banktransaction"

    def __str__(self) -> str:
        return self.reference


def prepare(codes: Sequence[str]) -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Order)
        editor.create_model(BankTransaction)
    Order.objects.bulk_create([Order(code=code) for code in codes], batch_size=5000)


def order_codes(rows: Sequence[dict[str, Any]]) -> None:
    known = set(BankTransaction.objects.values_list("checksum", flat=True))
    new = []
    for row in rows:
        line = _line(row, state="unchecked")
        if line.checksum not in known:
            line.save()
            new.append(line)
            known.add(line.checksum)
    for line in new:
        match = PATTERN.search(line.reference.replace(" ", "").upper())
        with atomic():
            line.order = _find(match[1]) if match else None
            line.state = "valid" if line.order else "nomatch"
            line.save()


def _find(code: str) -> Order | None:
    return Order.objects.filter(code=code).first() or Order.objects.filter(code=code.translate(CONFUSED)).first()


def loop(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        match = PATTERN.search(row["text"].replace(" ", "").upper())
        order = Order.objects.filter(code=match[1]).first() if match else None
        line = _line(row, state="valid" if order else "nomatch")
        line.order = order
        line.save(force_insert=True)


def _line(row: dict[str, Any], *, state: str) -> BankTransaction:
    words = f"{row['payer']}{row['text']}{row['amount']}{row['day']}"
    return BankTransaction(
        state=state,
        checksum=sha1(re.sub(r"[^a-zA-Z0-9.-]", "", words).encode()).hexdigest(),  # noqa: S324 - as the peer does
        reference=row["text"],
        payer=row["payer"],
        iban=row["account"],
        amount=row["amount"],
        date=str(row["day"]),
        date_parsed=row["day"],
    )


WAYS: dict[str, Callable[[Sequence[dict[str, Any]]], None]] = {"order codes": order_codes, "loop": loop}
