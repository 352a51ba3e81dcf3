from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.admin.reasons import MOST_AT_ONCE
from accounts.models import AuditEntry, User
from accounts.roles import Role
from markets.actions import quarantine
from markets.models import QuarantinedRecord, Quote
from tests.accounts.factories import UserFactory
from tests.markets.admin.conftest import Enter
from tests.markets.factories import NOON, QuarantinedRecordFactory
from tests.markets.runs.test_retry import coingecko, held_back

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LIST = reverse("admin:markets_quarantinedrecord_changelist")


def ask(client: Client, action: str, *records: QuarantinedRecord, **more: str) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [record.pk for record in records], **more})


def messages(answer: Any, client: Client) -> list[str]:
    assert answer.status_code == 302
    return [str(message) for message in client.get(answer.headers["Location"]).context["messages"]]


def states() -> list[str]:
    return list(QuarantinedRecord.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize("action", ["retry", "dismiss"])
def test_reason_is_asked_for_on_a_page_of_its_own(client: Client, moderator: User, action: str) -> None:
    first, second, other = (QuarantinedRecordFactory.create(external_id=name) for name in ("a<b", "second", "other"))

    page = ask(client, action, first, second)

    assert page.status_code == 200
    text = page.content.decode()
    for shown in ("coingecko a&lt;b: zero_price", "coingecko second: zero_price", f'name="action" value="{action}"'):
        assert shown in text
    assert str(other) not in text
    assert "errorlist" not in text
    assert states() == ["open"] * 3


@pytest.mark.parametrize("action", ["retry", "dismiss"])
@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501])
def test_without_a_reason_nothing_is_decided(client: Client, moderator: User, action: str, reason: str) -> None:
    page = ask(client, action, QuarantinedRecordFactory.create(), reason=reason)

    assert page.status_code == 200
    assert "reason" in page.context["form"].errors
    assert states() == ["open"]
    assert not AuditEntry.objects.exists()


def test_selected_rows_are_dismissed_each_with_the_reason(client: Client, moderator: User) -> None:
    first, second, other = QuarantinedRecordFactory.create_batch(3)

    answer = ask(client, "dismiss", first, second, reason="Garbage.")

    assert messages(answer, client) == ["2 dismissed."]
    assert states() == ["dismissed", "dismissed", "open"]
    for record in (first, second):
        entry = AuditEntry.objects.about(record).get()
        assert (entry.verb, entry.actor, entry.reason) == ("markets.quarantine.dismissed", moderator, "Garbage.")
    assert not AuditEntry.objects.about(other).exists()


def test_retried_jump_becomes_the_quote(client: Client, moderator: User) -> None:
    record = held_back()

    answer = ask(client, "retry", record, reason="It was redenominated.")

    assert messages(answer, client) == ["1 accepted."]
    assert states() == ["accepted"]
    assert Quote.objects.get().price == 100_000.0


def test_row_that_cannot_be_read_says_why_and_the_others_go_on(client: Client, moderator: User) -> None:
    record = held_back()
    broken = QuarantinedRecordFactory.create(external_id="broken", raw=coingecko(0.0, NOON).decode())

    answer = ask(client, "retry", broken, record, reason="Try both.")

    assert sorted(messages(answer, client)) == [
        "1 accepted.",
        "coingecko broken: zero_price: Still refused: zero price (price).",
    ]
    assert states() == ["accepted", "open"]


def test_row_that_somebody_else_decided_meanwhile_says_so(client: Client, moderator: User) -> None:
    record = QuarantinedRecordFactory.create(external_id="coin")
    other = UserFactory.create(role=Role.MODERATOR)
    quarantine.dismiss(record, by=other, reason="Mine.", at=NOON)

    answer = ask(client, "dismiss", record, reason="Mine, too.")

    assert messages(answer, client) == ["coingecko coin: zero_price: Somebody has already decided about this row."]
    assert QuarantinedRecord.objects.get().decided_by == other


def test_not_more_rows_at_once_than_somebody_can_wait_for(client: Client, moderator: User) -> None:
    records = QuarantinedRecordFactory.create_batch(MOST_AT_ONCE + 1)

    answer = ask(client, "dismiss", *records, select_across="1", reason="All of it.")

    assert messages(answer, client) == [f"Select at most {MOST_AT_ONCE} rows at once."]
    assert set(states()) == {"open"}


def test_page_of_reasons_keeps_the_filters_of_the_list(client: Client, moderator: User) -> None:
    record = QuarantinedRecordFactory.create()
    given = {"action": "dismiss", "_selected_action": [record.pk], "reason": "Garbage."}

    answer = client.post(f"{LIST}?state__exact=open", given)

    assert answer.headers["Location"] == f"{LIST}?state__exact=open"


def may_view_only(enter: Enter) -> None:
    person = enter(Role.MODERATOR)
    group = person.groups.get()
    group.permissions.remove(Permission.objects.get(codename="change_quarantinedrecord"))


@pytest.mark.parametrize("action", ["retry", "dismiss"])
def test_who_may_only_look_decides_nothing(client: Client, enter: Enter, action: str) -> None:
    may_view_only(enter)

    ask(client, action, held_back(), reason="Let me.")

    assert states() == ["open"]
    assert 'value="dismiss"' not in client.get(LIST).content.decode()


def buttons(client: Client, record: QuarantinedRecord) -> bool:
    page = client.get(reverse("admin:markets_quarantinedrecord_change", args=[record.pk])).content.decode()
    return 'name="action" value="retry"' in page and 'name="action" value="dismiss"' in page


def test_open_row_is_decided_about_from_its_own_page(client: Client, moderator: User) -> None:
    record = QuarantinedRecordFactory.create()
    assert buttons(client, record)

    quarantine.dismiss(record, by=moderator, reason="Garbage.", at=NOON)

    assert not buttons(client, record)


def test_page_of_a_row_has_no_buttons_for_who_may_only_look(client: Client, enter: Enter) -> None:
    may_view_only(enter)

    assert not buttons(client, QuarantinedRecordFactory.create())


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ('{"price":1e400,"n":0.10}', "{\n  &quot;price&quot;: 1e400,\n  &quot;n&quot;: 0.10\n}"),
        ('{"id": "<script>alert(1)</script>"', "{&quot;id&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;"),
        ("a\u202eb\x07c", "a\\u202eb\\u0007c"),
        ("[" * 4_096, "[" * 4_096),
        ("", ""),
    ],
)
def test_row_is_shown_as_it_came_and_harmless(client: Client, moderator: User, raw: str, shown: str) -> None:
    record = QuarantinedRecordFactory.create(raw=raw)

    page = client.get(reverse("admin:markets_quarantinedrecord_change", args=[record.pk])).content.decode()

    assert f'<pre class="raw">{shown}</pre>' in page


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.OPERATOR, Role.ADMIN])
def test_moderators_and_above_decide(client: Client, enter: Enter, role: Role) -> None:
    person = enter(role)
    record = QuarantinedRecordFactory.create()

    ask(client, "dismiss", record, reason="Garbage.")

    record.refresh_from_db()
    assert record.decided_by == person
