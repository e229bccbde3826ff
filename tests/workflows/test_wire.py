"""The bytes of a mail: `workflows.wire`."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMultiAlternatives

from workflows.wire import KeyedMail


@pytest.mark.parametrize(
    "subject", ["Your payment has arrived", "你好世界 " * 12, "x" * 300, "many short words " * 20, "tab\tin it", ""]
)
def test_a_mail_has_the_bytes_that_the_library_writes(subject):
    def written(cls, **given):
        mail = cls(
            subject=subject,
            body="Dear customer,\n\nGröße, 你好\n",
            from_email="Zoë <billing@demo.test>",
            to=["bills@example.test", "zoë@example.test"],
            headers={"Message-ID": "<1@demo.test>", "Date": "Mon, 23 Nov 2026 12:00:00 -0000", "X-Long": "y " * 60},
            **given,
        )
        mail.attach_alternative("<p>Dear customer</p>" * 50, "text/html")
        return mail.message()

    usual = written(EmailMultiAlternatives)
    usual.set_boundary("==abc==")

    assert written(KeyedMail, key="abc").as_bytes() == usual.as_bytes()
    assert written(KeyedMail, key="abc").as_string() == usual.as_string()
