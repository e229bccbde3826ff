"""A mail that is filled in says what the same mail says when it is rendered: `workflows.form_letters`."""

from __future__ import annotations

from html import unescape
from urllib.parse import quote

import pytest
from django.utils import translation
from django.utils.html import conditional_escape

from core.instructions import PLACEHOLDERS
from tests.workflows.test_mails import EVERY
from workflows import form_letters
from workflows.mail import payment_instructions, samples, sending
from workflows.mail.formatting import BidiText, NoWrap, RawText
from workflows.mail.samples import SAMPLES
from workflows.seed.instructions import INSTRUCTIONS

NAMES = ["Ann", "12 & Söhne", '<a href="x">"\'', "شركة المثال", "٣ of us", "-", "{{ x }} %(y)s", "Long " * 30 + "name"]


@pytest.fixture(autouse=True)
def no_forms_yet():
    form_letters._form.cache_clear()


@pytest.mark.parametrize(("kind", "variant", "language"), EVERY)
def test_what_is_filled_in_is_what_would_be_rendered(monkeypatch, kind, variant, language):
    def written(name):
        account = samples.account
        with monkeypatch.context() as patch, translation.override(language):
            patch.setattr(samples, "account", lambda **change: account(**{"name": name, **change}))
            words = SAMPLES[kind][variant]()
        return sending.write(kind, words, language=language)

    filled = [written(name) for name in NAMES]
    monkeypatch.setattr(form_letters, "write", lambda render, kind, words, _: render(kind, words))
    rendered = [written(name) for name in NAMES]

    assert filled == rendered


def test_a_case_is_rendered_once():
    seen = []

    def render(kind, words):
        seen.append(kind)
        return f"<p>{conditional_escape(words['name'])} {words['link']}</p>", f"{words['name']}: {words['link']}"

    def write(name, **more):
        return form_letters.write(render, "news", {"name": BidiText(name), "link": RawText("x/1"), **more}, "en")

    assert write("A & B") == ["<p><bdi>A &amp; B</bdi> x/1</p>", "A & B: x/1"]
    assert write("C") == ["<p><bdi>C</bdi> x/1</p>", "C: x/1"]
    assert len(seen) == 1
    for more in ({"is_late": True}, {"is_late": 1}, {"notes": "two\nlines"}, {"rows": [NoWrap("1"), None]}):
        write("D", **more)
        write("E", **more)
    assert len(seen) == 5


@pytest.mark.parametrize(
    "look", [lambda name: name[:40], lambda name: name.upper() + name[1:], lambda name: f"{name[:60]} {name[60:]}"]
)
def test_whoever_looks_into_a_value_is_found_out(look):
    def render(kind, words):
        return "", look(words["name"])

    for name in ("Long " * 30 + "name", "another"):
        assert form_letters.write(render, "news", {"name": BidiText(name)}, "en") == ("", look(BidiText(name)))


@pytest.mark.parametrize("name", ["two\nlines", "wide  gap", " before", ""])
def test_a_value_that_is_set_differently_as_html_and_as_text_is_rendered(name):
    def render(kind, words):
        return str(words["name"]), " ".join(words["name"].split())

    for _ in range(2):
        assert form_letters.write(render, "news", {"name": BidiText(name)}, "en") == (name, " ".join(name.split()))


def test_instructions_are_set_out_once_for_each_method(monkeypatch):
    parsed = []
    parse = payment_instructions.MARKDOWN.parse
    monkeypatch.setattr(payment_instructions.MARKDOWN, "parse", lambda source: parsed.append(source) or parse(source))

    def render(kind, words):
        return words["pay"].html, words["pay"].text

    def write(source, name):
        pay = payment_instructions.Instructions("en", source, is_demo=False, values={"account_name": BidiText(name)})
        return form_letters.write(render, "news", {"pay": pay}, "en")

    source = "Write **{account_name}** and `{account_name}`."
    assert write(source, "A & B") == [
        "<p>Write <strong><bdi>A &amp; B</bdi></strong> and <code>A &amp; B</code>.</p>\n",
        "Write A & B and A & B.",
    ]
    assert write(source, "C")[1] == "Write C and C."
    assert len(parsed) == 1
    assert write("Go to {account_name}.", "D")[1] == "Go to D."
    assert len(parsed) == 2


@pytest.mark.parametrize("code", INSTRUCTIONS)
def test_instructions_of_the_catalogue_are_filled_in_as_they_would_be_set_out(code):
    def render(kind, words):
        return words["pay"].html, words["pay"].text

    for language, source in INSTRUCTIONS[code].items():
        for name in NAMES:
            values = {placeholder: NoWrap(name) for placeholder in PLACEHOLDERS} | {"account_name": BidiText(name)}
            pay = payment_instructions.Instructions(language, source, is_demo=True, values=values)
            with translation.override(language):
                html, text = form_letters.write(render, "news", {"pay": pay}, language)
                assert (unescape(html), text) == (unescape(pay.html), pay.text)


def test_a_value_in_an_address_is_rendered():
    def render(kind, words):
        return (words["pay"].html,)

    def write(name):
        source = "[pay](https://pay.example/?for={account_name})"
        pay = payment_instructions.Instructions("en", source, is_demo=False, values={"account_name": BidiText(name)})
        return form_letters.write(render, "news", {"pay": pay}, "en")[0]

    for name in ("A & B", "C/D"):
        assert f"?for={quote(name, safe='')}" in write(name)


def test_what_may_change_behind_our_back_is_rendered():
    row = samples.effects()[0]

    def render(kind, words):
        return (words["rows"][0].last_error,)

    for error in ("refused", "timed out"):
        row.last_error = error
        assert form_letters.write(render, "news", {"rows": [row]}, "en") == (error,)


def test_only_so_many_cases_are_remembered():
    def render(kind, words):
        return (str(words["number"]),)

    for number in range(form_letters.CASES + 10):
        assert form_letters.write(render, "news", {"number": number}, "en") == [str(number)]

    assert form_letters._form.cache_info().currsize == form_letters.CASES
