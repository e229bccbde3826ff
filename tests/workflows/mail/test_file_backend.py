from __future__ import annotations

import pytest
from django.core.mail import EmailMessage

from workflows.mail.file_backend import EmlBackend


@pytest.mark.guards("S20", "workflows.mail.file_backend.EmlBackend")
def test_a_mail_in_the_folder_is_for_our_own_user_alone(tmp_path, settings):
    """S20: links that set passwords were readable by every user of the machine."""
    settings.EMAIL_FILE_PATH = tmp_path / "var" / "mail"
    mail = EmailMessage("Hello", "text", to=["a@example.test"], headers={"Message-ID": "<one@demo.test>"})

    assert EmlBackend().send_messages([mail]) == 1

    (file,) = (tmp_path / "var" / "mail").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("one.eml", 0o600)
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_shares_stays_as_it_is(tmp_path, settings):
    settings.EMAIL_FILE_PATH = tmp_path
    tmp_path.chmod(0o750)
    EmlBackend().send_messages(
        [EmailMessage("Hello", "text", to=["a@example.test"], headers={"Message-ID": "<one@x>"})]
    )

    assert tmp_path.stat().st_mode & 0o777 == 0o750
