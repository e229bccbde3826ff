from __future__ import annotations

import email
import email.policy
from uuid import uuid4

import pytest

from engine.models import Effect
from workflows.mail import context, samples
from workflows.mail.rendering import build_email
from workflows.mail.sending import send

LINE = 998  # octets, without CRLF: RFC 5321 4.5.3.1.6


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(
    "name",
    ["Ann", "你好世界 " * 12, "x" * 3000, "ö" * 1500, "many short words " * 200, "tab\tin it", "a\r\nBcc: b@c.test\rd"],
)
def test_both_parts_arrive_as_they_were_written(mailoutbox, name, language):
    effect, words = Effect(id=uuid4(), kind="mail.trial_ending"), context.trial_ending(samples.account(name=name))

    written = build_email("trial_ending", words, language=language)

    sent = send(effect, ["zoë@example.test", "ann@example.test"], written)

    content = mailoutbox[0].message().as_bytes(linesep="\r\n")
    mail = email.message_from_bytes(content, policy=email.policy.default)
    text, html = mail.iter_parts()
    assert (mail["Message-ID"], mail["Subject"].strip()) == (f"<{effect.pk}@demo.test>", written.subject)
    assert sent["message_id"] == mail["Message-ID"]
    assert mail["Bcc"] is None
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in (text, html)} == {"utf-8"}
    assert text.get_content().splitlines() == written.text.splitlines()
    assert html.get_content().splitlines() == written.html.splitlines()
    assert max(map(len, content.split(b"\r\n"))) <= LINE
    assert b"\n" not in content.replace(b"\r\n", b"")
