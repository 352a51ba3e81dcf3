import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template import Engine
from hypothesis import given
from hypothesis import strategies as st

from accounts import letters

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "mail"
MISSING = "<nobody told>"
SAMPLE = {
    "user_id": 7,
    "username": "alice",
    "email": "alice@example.com",
    "at": "2026-03-12 12:00 UTC",
    "since": "2026-03-12 11:00 UTC",
    "address": "203.0.113.7",
    "device": "Firefox on Linux",
    "risk_flags": ["third sign-up from this address", "throw-away mailbox"],
    "reason": "email",
    "token": "0123456789abcdef",
    "valid_minutes": 30,
    "change": "enabled",
    "kind": "provider_down",
    "summary": "CoinGecko has not answered for 15 minutes.",
    "path": "/admin/accounts/incident/7/change/",
}


def write(template: str, **changes: object) -> letters.Letter:
    names = letters.CONTEXTS[template]
    assert changes.keys() <= names
    return letters.write(template, {name: SAMPLE[name] for name in names} | changes)


class Page(HTMLParser):
    """The links and the tags of a page, as a browser would see them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])


def test_there_is_one_template_for_each_mail_that_can_be_queued():
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(letters.CONTEXTS)


@pytest.mark.parametrize("template", letters.CONTEXTS)
def test_each_mail_begins_with_its_subject_and_needs_what_it_is_told(template, monkeypatch):
    monkeypatch.setattr(Engine.get_default(), "string_if_invalid", MISSING)

    letter = write(template)

    assert (FOLDER / f"{template}.txt").read_text().startswith("Subject: ")
    assert letter.subject
    assert MISSING not in letter.subject + letter.text + letter.html
    shown = letter.subject + letter.text
    for name in letters.CONTEXTS[template] - {"reason", "change", "risk_flags"}:
        assert str(SAMPLE[name]) in shown, name


@pytest.mark.parametrize("template", letters.CONTEXTS)
def test_html_says_what_the_text_says_between_a_header_and_a_footer(template, settings):
    settings.MAIL_SENDER_NAME = "Acme & Sons"
    letter = write(template)

    assert Page(letter.html).tags <= {
        *{"html", "head", "meta", "title", "body", "table", "tr", "td", "h1", "p", "br", "a"}
    }
    said, shown = (
        set(re.findall(r"\w+", part)) for part in (letter.text, re.sub(r"<[^>]*>", " ", html.unescape(letter.html)))
    )
    assert said <= shown
    assert "Acme &amp; Sons" in letter.html
    assert letter.text.endswith("\n-- \nAcme & Sons, http://localhost:8000\n")


def test_letter_to_the_administrators_is_this_one():
    letter = write("signup_pending")

    assert letter.subject == "New sign-up: alice"
    assert letter.text == (
        "alice has asked for an account and waits for somebody to approve it.\n"
        "\n"
        "User name: alice\n"
        "E-mail: alice@example.com\n"
        "Time: 2026-03-12 12:00 UTC\n"
        "Address: 203.0.113.7\n"
        "\n"
        "Please look closely:\n"
        "- third sign-up from this address\n"
        "- throw-away mailbox\n"
        "\n"
        "Decide here:\n"
        "http://localhost:8000/admin/accounts/user/7/change/\n"
        "\n"
        "-- \n"
        "Crypto platform, http://localhost:8000\n"
    )


def test_without_risks_none_are_spoken_of():
    assert "Please look closely" not in write("signup_pending", risk_flags=[]).text


@pytest.mark.parametrize(
    ("template", "changes", "subject"),
    [
        ("signup_known", {"reason": "email"}, "You already have an account"),
        ("signup_known", {"reason": "username"}, "That user name is taken"),
        ("two_factor_changed", {"change": "enabled"}, "The second factor is on"),
        ("two_factor_changed", {"change": "disabled"}, "The second factor is off"),
        ("two_factor_changed", {"change": "recovery_codes"}, "You have new recovery codes"),
    ],
)
def test_subject_says_which_of_several_it_was(template, changes, subject):
    assert write(template, **changes).subject == subject


@pytest.mark.parametrize(("minutes", "words"), [(1, "for 1 minute."), (30, "for 30 minutes.")])
def test_reset_says_how_long_its_token_works(minutes, words):
    assert words in write("password_reset", valid_minutes=minutes).text


def test_token_stands_alone_on_its_line_and_is_never_broken():
    token = "a-" * 100

    assert f"\n{token}\n" in write("password_reset", token=token).text


def test_line_break_in_a_subject_adds_no_line_to_the_mail():
    letter = write("signup_pending", username="eve\r\nBcc: victim@example.com\n\nHello")

    assert letter.subject == "New sign-up: eve Bcc: victim@example.com Hello"


@given(st.text(max_size=200))
def test_subject_is_one_line_whatever_is_filled_in(name):
    subject = write("signup_pending", username=name).subject

    assert subject.splitlines() == [subject]


def test_what_people_typed_is_text_in_html():
    device = "<img src=x onerror=alert(1)>\"'&{{ base_url }}{% include 'admin/base.html' %}"

    letter = write("new_device", device=device)

    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;{{ base_url }}{% include" in letter.html
    assert "img" not in Page(letter.html).tags
    assert device.split()[0] in letter.text


def test_subject_is_text_in_html_too():
    assert Page(write("incident_opened", kind="<script>alert(1)</script>").html).tags.isdisjoint({"script"})


def test_link_into_this_site_can_be_clicked(settings):
    settings.PUBLIC_BASE_URL = "https://api.example.com"

    letter = write("incident_opened")

    assert Page(letter.html).links == ["https://api.example.com/admin/accounts/incident/7/change/"]
    assert "https://api.example.com/admin/accounts/incident/7/change/\n" in letter.text


@pytest.mark.parametrize(
    "device",
    [
        "http://evil.example/reset",
        "https://api.example.com.evil.example/",
        "https://api.example.com@evil.example/",
        "www.evil.example",
        "javascript:alert(1)",
    ],
)
def test_link_that_a_stranger_wrote_cannot(settings, device):
    settings.PUBLIC_BASE_URL = "https://api.example.com"

    assert Page(write("new_device", device=device).html).links == []


def test_long_paragraphs_are_wrapped_for_readers_of_text():
    lines = write("new_device").text.splitlines()

    assert max(map(len, lines)) <= letters.COLUMNS


def test_html_loads_nothing_from_anywhere():
    assert not re.search(r"src=|url\(|@import|<link", write("new_device").html)
