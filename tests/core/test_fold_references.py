"""The migration that gives references in other scripts the key of today."""
# ruff: noqa: RUF001 - digits of other scripts are meant

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection

from core.models import Payment
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory

pytestmark = pytest.mark.django_db

migration = import_module("core.migrations.0022_fold_references")


def fold():
    migration.fold(None, SimpleNamespace(connection=connection))


@pytest.fixture
def claim():
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user

    def make(reference, key, **fields):
        return PaymentFactory(
            **{"invoice": invoice, "submitted_by": owner, "reference": reference, "reference_key": key, **fields}
        )

    return make


def keys():
    return list(Payment.objects.order_by("id").values_list("reference_key", flat=True))


def test_reference_in_other_digits_gets_the_folded_key(claim):
    claim("TX ٩٩٠٠", "TX٩٩٠٠")
    claim("TX-1", "TX1")
    claim("é", "É")

    fold()

    assert keys() == ["TX9900", "TX1", "É"]


def test_of_claims_that_become_the_same_the_oldest_gets_the_key_and_all_stay(claim):
    claim("٩٩٠٠", "٩٩٠٠")
    claim("۹۹۰۰", "۹۹۰۰")
    claim("９９００", "９９００")

    fold()
    fold()

    assert keys() == ["9900", "۹۹۰۰", "９９００"]


def test_claim_that_has_the_key_already_keeps_it(claim):
    claim("٩٩٠٠", "٩٩٠٠")
    claim("9900", "9900")

    fold()

    assert keys() == ["٩٩٠٠", "9900"]


def test_claims_of_two_accounts_become_the_same_reference(claim):
    claim("٩٩٠٠", "٩٩٠٠")
    other = InvoiceFactory()
    owner = MembershipFactory(account=other.account).user
    claim("9900", "9900", invoice=other, submitted_by=owner)

    fold()

    assert keys() == ["9900", "9900"]


def test_more_claims_than_one_batch_are_all_folded(claim, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 2)
    for number in "١٢٣٤٥":
        claim(f"TX {number}", f"TX{number}")

    fold()

    assert keys() == ["TX1", "TX2", "TX3", "TX4", "TX5"]
