"""Where mails go while no mail server is configured."""

from collections.abc import Sequence

import orjson
import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from config.kernel import clock
from config.kernel.logs import LineLogger
from config.kernel.redaction import shortened

log = structlog.get_logger(__name__)


class LogBackend(BaseEmailBackend):
    """On a developer's machine the log is the mailbox: one line a mail, with its text. Elsewhere nothing is sent.

    Elsewhere the log may be read by others, and a mail can hold a token: it learns only that a mail could not be sent.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were delivered: all of them to a developer, none elsewhere."""
        is_development = settings.ENVIRONMENT == "development"
        for message in email_messages:
            facts = {"template": message.extra_headers.get("X-Template"), "to": [shortened(to) for to in message.to]}
            if is_development:
                _deliver(message, facts)
            else:
                log.warning("mail.no_server", **facts)
        return len(email_messages) if is_development else 0


def _deliver(message: EmailMessage, facts: dict[str, object]) -> None:
    # Past the redaction of logs: the token in the text is what the developer waits for.
    line = {
        **facts,
        "event": "mail",
        "subject": message.subject,
        "text": message.body,
        "logger": __name__,
        "level": "info",
        "timestamp": clock.now(),
    }
    LineLogger(__name__).info(orjson.dumps(line).decode())
