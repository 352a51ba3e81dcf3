"""What mails say: one text file each in templates/mail, and the same words laid out in HTML."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from django.conf import settings
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Which mails there are, and what each must be told. A template uses these names, `base_url`, and no others.
CONTEXTS: Mapping[str, Set[str]] = {
    "signup_pending": {"user_id", "username", "email", "at", "address", "risk_flags"},
    "password_reset_unknown": set(),
    "signup_known": {"reason"},  # "email" or "username": which of the two is in use already
    "account_approved": {"username"},
    "account_disabled": {"username", "at"},
    "new_device": {"username", "at", "address", "device"},
    "password_changed": {"username", "at", "address"},
    "password_reset": {"username", "token", "valid_minutes"},
    "two_factor_changed": {"username", "at", "change"},  # "enabled", "disabled" or "recovery_codes"
    "token_reused": {"username", "at", "address", "device"},
    "incident_opened": {"kind", "summary", "since", "path"},  # the path of a page of this site
}
SUBJECT = "Subject: "
COLUMNS = 76


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is read; the subject is one line, whatever was filled in."""

    subject: str
    text: str
    html: str


def write(template: str, context: Mapping[str, object]) -> Letter:
    """Fill in a template. In HTML all of it is escaped, and links into this site, and no others, can be clicked."""
    engine = Engine.get_default()
    # Apart, so that a line break in what is filled into the subject cannot become one of the mail.
    subject_line, _, body_source = engine.get_template(f"mail/{template}.txt").source.partition("\n")
    filling = {**context, "base_url": settings.PUBLIC_BASE_URL}
    subject_words, body = (
        engine.from_string(source).render(Context(filling, autoescape=False))
        for source in (subject_line.removeprefix(SUBJECT), body_source)
    )
    subject = " ".join(subject_words.split())
    return Letter(subject=subject, text=_text(body), html=_html(subject, body))


def _text(body: str) -> str:
    lines = [
        textwrap.fill(line, COLUMNS, break_long_words=False, break_on_hyphens=False) if line else ""
        for line in body.strip().splitlines()
    ]
    return "\n".join([*lines, "", "-- ", f"{settings.MAIL_SENDER_NAME}, {settings.PUBLIC_BASE_URL}", ""])


def _html(subject: str, body: str) -> str:
    paragraphs = (
        format_html_join(SafeString("<br>\n"), "{}", ((_with_links(line),) for line in paragraph.splitlines()))
        for paragraph in re.split(r"\n{2,}", body.strip())
    )
    return render_to_string(
        "mail/layout.html",
        {
            "subject": subject,
            "body": format_html_join("\n", '<p style="margin:0 0 14px">{}</p>', ((lines,) for lines in paragraphs)),
            "sender": settings.MAIL_SENDER_NAME,
            "base_url": settings.PUBLIC_BASE_URL,
        },
    )


def _with_links(line: str) -> SafeString:
    return format_html_join("", "{}", ((piece,) for piece in _pieces(line)))


def _pieces(line: str) -> Iterator[str]:
    # A stranger chooses what a browser calls itself: an address in it must not become a link in a mail from us. The
    # slash after the base is needed, or http://our.host.example.net would count as ours.
    ours = re.compile(rf"({re.escape(settings.PUBLIC_BASE_URL)}/[\w/?&=%.#~+-]*)")
    for number, piece in enumerate(ours.split(line)):
        yield format_html('<a href="{0}" style="color:#0b5a8f">{0}</a>', piece) if number % 2 else piece
