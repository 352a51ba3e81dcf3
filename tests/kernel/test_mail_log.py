import json

import pytest
from django.core.mail import EmailMessage
from structlog.testing import capture_logs

from config.kernel.mail_log import LogBackend

TEXT = "Hello,\n\nThis is the token:\n\nAbCdEfGh12345678AbCdEfGh12345678\n"


@pytest.fixture
def mail():
    return EmailMessage("Your token", TEXT, to=["alice@localhost"], headers={"X-Template": "password_reset"})


def test_log_of_a_developer_is_the_mailbox(mail, settings, capsys):
    settings.ENVIRONMENT = "development"

    assert LogBackend().send_messages([mail]) == 1

    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert shown.pop("timestamp")
    assert shown == {
        "template": "password_reset",
        "to": ["a***@localhost"],
        "event": "mail",
        "subject": "Your token",
        "text": TEXT,
        "logger": "config.kernel.mail_log",
        "level": "info",
    }


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_elsewhere_nothing_is_sent_and_no_token_stands_in_the_log(mail, settings, capsys, environment):
    settings.ENVIRONMENT = environment

    with capture_logs() as logs:
        assert LogBackend().send_messages([mail]) == 0

    assert logs == [
        {"event": "mail.no_server", "log_level": "warning", "template": "password_reset", "to": ["a***@localhost"]}
    ]
    assert capsys.readouterr().out == ""
