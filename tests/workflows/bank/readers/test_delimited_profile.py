from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from workflows.bank.readers.delimited.made_profiles import PROFILES
from workflows.bank.readers.delimited.profile import Column, Profile, ProfileError, fold

GOOD: dict[str, Any] = {
    "name": "mine",
    "columns": [{"role": "date", "headings": ["Date"]}, {"role": "amount", "position": 3}],
    "dates": ["dd/mm/yyyy"],
}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_made_profile_survives_json(profile):
    assert Profile.from_json(profile.to_json()) == profile


def test_profile_from_json_has_defaults():
    profile = Profile.from_json(json.dumps(GOOD))

    assert profile.columns == (Column("date", ("Date",)), Column("amount", position=3))
    assert (profile.delimiter, profile.decimal, profile.order) == (",", ".", "auto")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delimiter": "x"}, "delimiter"), ({"encoding": "rot13"}, "encoding"), ({"quote": "<"}, "quote"),
        ({"decimal": ";"}, "decimal"), ({"decimal": ",", "grouping": ","}, "grouping"), ({"currency": "EURO"},
         "currency"),
        ({"decimals": 9}, "decimals"), ({"dates": []}, "dates"), ({"dates": ["dd/dd/yyyy"]}, "dates"),
        ({"dates": ["%d/%m/%Y"]}, "dates"), ({"dates": ["dd(mm)+yyyy"]}, "dates"), ({"preamble_rows": 61},
         "preamble_rows"),
        ({"positive_is": "up"}, "positive_is"), ({"unmarked": "no"}, "unmarked"), ({"order": "random"}, "order"),
        ({"columns": []}, "columns"), ({"columns": [{"role": "date", "position": 1}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "amount", "position": 4}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "credit", "position": 4}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "mood", "position": 4}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "text"}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "text", "position": 201}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "text", "position": -1}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "text", "headings": ["#"]}]}, "columns"),
        ({"columns": [*GOOD["columns"], {"role": "sign", "position": 4}]}, "sign_in"),
        ({"columns": [*GOOD["columns"], {"role": "status", "position": 4}]}, "booked_words"),
        ({"booked_words": ["Done"], "pending_words": ["done"]}, "booked_words"),
        ({"sign_in": ["C"], "sign_out": ["c"]}, "sign_out"),
        ({"row_rules": [{"means": "vanish", "words": ["x"]}]}, "row_rules"),
        ({"row_rules": [{"means": "skip", "words": ["***"]}]}, "row_rules"),
        ({"labels": [{"means": "colour", "words": ["x"]}]}, "labels"),
        ({"name": 5}, "profile.name"), ({"lakh": 1}, "profile.lakh"), ({"decimals": True}, "profile.decimals"),
        ({"dates": "dd/mm/yyyy"}, "profile.dates"), ({"dates": [1]}, "profile.dates"), ({"other": 1}, "profile.other"),
        ({"columns": [1]}, "profile.columns[0]"), ({"columns": [{}]}, "profile.columns[0].role"),
        ({"columns": [{"role": "date", "place": 1}]}, "profile.columns[0].place"),
        ({"columns": {"date": 1}}, "profile.columns"), ({"name": "x" * 300}, "profile.name"),
    ],
)  # fmt: skip
def test_wrong_field_is_named(change, field):
    with pytest.raises(ProfileError) as caught:
        Profile.from_json(json.dumps({**GOOD, **change}))

    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '"x"', "{}", "x" * 60_000])
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(ProfileError):
        Profile.from_json(text)


def test_profile_made_in_code_is_checked_too():
    with pytest.raises(ProfileError):
        replace(PROFILES[0], dates=("yyyy",))


def test_headings_are_compared_without_accents_case_and_signs():
    assert fold(" Auslagenersatz\u00a0Rücklastschrift ") == fold("auslagenersatz rucklastschrift")
    assert fold("Chq./Ref.No.") == "chq ref no"
    assert fold("الرصيد") == "الرصيد"
