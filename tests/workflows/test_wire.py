"""The bytes of a mail: `workflows.wire`."""

from __future__ import annotations

import django
import pytest
from django.core.mail import EmailMultiAlternatives

from workflows.wire import KeyedMail

pytestmark = pytest.mark.skipif(django.VERSION >= (6, 0), reason="from Django 6.0 on the library writes the whole mail")


@pytest.mark.parametrize(
    "subject", ["Your payment has arrived", "你好世界 " * 12, "x" * 300, "many short words " * 20, "tab\tin it", ""]
)
@pytest.mark.parametrize(
    "html", ["<p>Dear customer</p>\n" * 50, "<p>Größe</p>", "<p>" + "ö" * 499 + "</p>", "a\r\nb\rc"]
)
def test_a_mail_has_the_bytes_that_the_library_writes(subject, html):
    def written(cls, **given):
        mail = cls(
            subject=subject,
            body="Dear customer,\n\nGröße, 你好\n",
            from_email="Zoë <billing@demo.test>",
            to=["bills@example.test", "zoë@example.test"],
            headers={"Message-ID": "<1@demo.test>", "Date": "Mon, 23 Nov 2026 12:00:00 -0000", "X-Long": "y " * 60},
            **given,
        )
        mail.attach_alternative(html, "text/html")
        return mail.message()

    usual = written(EmailMultiAlternatives)
    usual.set_boundary("==abc==")

    ours = written(KeyedMail, key="abc")
    for linesep in ("\n", "\r\n"):
        assert ours.as_bytes(linesep=linesep) == usual.as_bytes(linesep=linesep)
        assert ours.as_string(linesep=linesep) == usual.as_string(linesep=linesep)
