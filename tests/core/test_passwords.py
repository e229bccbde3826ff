from __future__ import annotations

import pytest

from core.models import User
from core.problems import ValidationError
from core.validation.passwords import own_names
from workflows.actions.people import check_new_password


@pytest.mark.parametrize(
    "password",
    ["countersign", "Countersign-2026", "billing-invoice", "payments!12", "paytrail-2026", "statement-Account"],
)
def test_password_of_our_own_words_is_refused(settings, password):
    settings.PUBLIC_URL = "https://paytrail.example.com"

    with pytest.raises(ValidationError) as refusal:
        check_new_password(password, User(email="ann@acme.test"))
    assert "words that are on our pages" in " ".join(refusal.value.members["errors"]["password"])


def test_password_with_one_of_our_words_among_others_is_taken():
    check_new_password("an invoice of correct length", User(email="ann@acme.test"))

    assert own_names() == []  # of localhost


@pytest.mark.parametrize("password", ["qwertyuiop", "1q2w3e4r5t", "q1w2e3r4t5y6", "0987654321", "QwertyUiop"])
def test_password_that_others_lost_is_refused(password):
    """Django's list of what was found in breaches: 19,646, of which 1,777 are long enough for us."""
    with pytest.raises(ValidationError):
        check_new_password(password, User(email="ann@acme.test"))
