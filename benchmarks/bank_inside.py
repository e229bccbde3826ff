"""Executes the commands of benchmarks.bank: the product's import, and its peers on the same lines."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from benchmarks.json_command_loop import answer_commands  # noqa: E402
from benchmarks.peers import bank_import  # noqa: E402
from core.models import Account, BankAccount, Invoice, Plan, StatementLine, Subscription, User  # noqa: E402
from engine import Step, create_many, perform_many  # noqa: E402
from workflows.bank.uploads import import_here  # noqa: E402

IBAN = "DE02100100100006820101"
HEADINGS = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Glaeubiger ID";"Mandatsreferenz";'
    '"Kundenreferenz (End-to-End)";"Sammlerreferenz";"Lastschrift Ursprungsbetrag";"Auslagenersatz Ruecklastschrift";'
    '"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"BIC (SWIFT-Code)";"Betrag";"Waehrung";"Info"'
)
PRICES = ("9.00", "19.00", "29.00", "89.00", "189.00", "990.00")
references: list[str] = []


def prepare(*, invoices: int) -> int:
    """So many open invoices, each of an account of its own."""
    BankAccount.objects.create(name="Bench", iban=IBAN, currency="EUR")
    plan, today = Plan.objects.get(code="starter"), date(2026, 3, 1)
    for start in range(0, invoices, 5000):
        _issue(plan, today, start, min(5000, invoices - start))
    references.extend(Invoice.objects.filter(currency="EUR").values_list("payment_reference", flat=True))
    bank_import.prepare(references)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return len(references)


def _issue(plan: Plan, today: date, start: int, count: int) -> None:
    pending = Account.Status.PENDING_PAYMENT
    accounts = [Account(name=f"Customer {n}", status=pending, country="DE") for n in range(count)]
    create_many(accounts)
    subscriptions = [
        Subscription(account=account, plan=plan, currency="EUR", price=Decimal(price), interval="month")
        for account, price in zip(accounts, cycle(PRICES), strict=False)
    ]
    create_many(subscriptions)
    issued = [Invoice(account=s.account, subscription=s, currency="EUR", total=s.price) for s in subscriptions]
    create_many(issued)
    due = today + timedelta(days=14)
    perform_many(
        Step(invoice.issue, {"number": f"B-{start + n:08}", "issued_on": today, "due_on": due, "snapshot": {}})
        for n, invoice in enumerate(issued)
    )


def rows(lines: int, number: int) -> Iterator[dict[str, Any]]:
    """The lines of a round: the same for the same number."""
    chance = random.Random(number)  # noqa: S311 - made-up lines
    for n in range(lines):
        yield {
            "day": date(2026, 1, 1) + timedelta(days=n * 28 // lines),
            "text": f"thanks {chance.choice(references)} month {number} {n}",
            "payer": f"Payer Number {chance.randrange(500)} GmbH",
            "account": f"DE{chance.randrange(10**18):020}",
            "amount": Decimal(chance.choice(PRICES)),
        }


def csv(lines: int, number: int) -> bytes:
    body = "\r\n".join(
        f'"{IBAN}";"{row["day"]:%d.%m.%y}";"{row["day"]:%d.%m.%y}";"GUTSCHR";"{row["text"]}";"";"";"";"";"";"";'
        f'"{row["payer"]}";"{row["account"]}";"";"{str(row["amount"]).replace(".", ",")}";"EUR";"Umsatz gebucht"'
        for row in rows(lines, number)
    )
    return f"{HEADINGS}\r\n{body}\r\n".encode("cp1252")


def product(*, lines: int, number: int, ending: bytes = b"") -> dict[str, float]:
    content = csv(lines, number) + ending
    before, started = _memory(), time.monotonic()
    file, _ = import_here(content, name="bench.csv")
    seconds = time.monotonic() - started
    new = sum(part.lines_new for part in file.parts.all())
    if file.status != "imported" or new != (0 if ending else lines):
        raise AssertionError(f"{file.status}, {new} new lines: {file.error}")
    return {"seconds": seconds, "grown_mib": (_memory() - before) / 1024}


def again(*, lines: int, number: int) -> dict[str, float]:
    """The same lines in another file."""
    return product(lines=lines, number=number, ending=b"\r\n")


def peer(*, way: str, lines: int, number: int) -> float:
    some = list(rows(lines, number + 1_000_000))
    started = time.monotonic()
    bank_import.WAYS[way](some)
    return time.monotonic() - started


def pages(*, count: int) -> list[float]:
    """Milliseconds of the list of lines, of a process that has shown one: the first compiles the templates."""
    client, took = Client(SERVER_NAME="127.0.0.1"), []
    client.force_login(User.objects.get(email="admin@demo.test"))
    client.get("/desk/bank/")
    for _ in range(count):
        started = time.monotonic()
        answer = client.get("/desk/bank/")
        took.append((time.monotonic() - started) * 1000)
        assert answer.status_code == 200
    assert StatementLine.objects.exists()
    return took


def _memory() -> float:
    """The most that this process has held, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


answer_commands(prepare=prepare, product=product, again=again, peer=peer, pages=pages)
