import pytest
from django.db import connection

from accounts.models import AuditEntry, User
from accounts.roles import Role
from tests.accounts.factories import UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def boss():
    return UserFactory.create(username="boss", role=Role.ADMIN)


@pytest.fixture
def ask(client, bearer, boss):
    def ask(method, path, body=None, **headers):
        given = {**bearer(boss), **headers}
        return client.generic(
            method, f"/api/v1/admin/{path}", body or "", content_type="application/json", headers=given
        )

    return ask


def test_pending_people_are_listed_with_what_is_odd_about_them(ask):
    UserFactory.create()
    first, second = (UserFactory.create(status="pending", signup_flags=flags) for flags in ([], ["resembles_staff"]))

    page = ask("GET", "pending-users?page_size=1").json()
    rest = ask("GET", page["next"].removeprefix("/api/v1/admin/")).json()

    assert (page["count"], rest["count"], rest["next"]) == (2, 2, None)
    assert [(row["id"], row["signup_flags"]) for row in page["results"] + rest["results"]] == [
        (second.pk, ["resembles_staff"]),
        (first.pk, []),
    ]


@pytest.mark.parametrize("path", ["pending-users?cursor=eyJiZWZvcmUiOiJ4In0", "pending-users?cursor=x"])
def test_cursor_of_something_else_is_refused(ask, path):
    answer = ask("GET", path)

    assert (answer.status_code, list(answer.json()["error"]["details"]["fields"])) == (400, ["cursor"])


@pytest.mark.parametrize(
    ("deed", "before", "body", "after"),
    [
        ("approve", {"status": "pending"}, "{}", {"status": "active"}),
        ("disable", {"status": "active"}, '{"reason": "Left."}', {"status": "disabled"}),
        ("enable", {"status": "disabled"}, "{}", {"status": "active"}),
        ("role", {"role": "viewer"}, '{"role": "operator"}', {"role": "operator"}),
        ("revoke-sessions", {}, "{}", {"status": "active"}),
    ],
)
def test_deed_is_done_and_answers_with_the_person(ask, boss, deed, before, body, after):
    alice = UserFactory.create(**before)

    answer = ask("POST", f"{deed}/{alice.pk}", body)

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("id", *after)} == {"id": alice.pk, **after}
    alice.refresh_from_db()
    assert alice.token_version == 1
    assert AuditEntry.objects.about(alice).get().actor == boss


@pytest.mark.parametrize(
    ("deed", "before", "code"),
    [
        ("approve", {"status": "active"}, "user_not_pending"),
        ("disable", {"status": "disabled"}, "user_disabled"),
        ("enable", {"status": "pending"}, "user_not_disabled"),
    ],
)
def test_deed_in_the_wrong_state_is_a_conflict_and_changes_nothing(ask, deed, before, code):
    alice = UserFactory.create(**before)

    answer = ask("POST", f"{deed}/{alice.pk}", "{}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
    alice.refresh_from_db()
    assert (alice.status, alice.token_version) == (before["status"], 0)
    assert not AuditEntry.objects.about(alice).exists()


@pytest.mark.parametrize("role", ["root", "", None, 7])
def test_unknown_role_is_refused(ask, role):
    alice = UserFactory.create()

    answer = ask("POST", f"role/{alice.pk}", f'{{"role": {"null" if role is None else repr(role)}}}'.replace("'", '"'))

    assert (answer.status_code, list(answer.json()["error"]["details"]["fields"])) == (400, ["role"])
    alice.refresh_from_db()
    assert alice.role == "viewer"


def test_service_is_made_once_however_often_it_is_asked_for(ask):
    body = '{"username": "reporter", "role": "analyst", "reason": "Nightly report."}'

    first, again = (ask("POST", "service-accounts", body, **{"Idempotency-Key": "monday"}) for _ in range(2))

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert User.objects.services().count() == 1


def test_key_of_a_service_is_made_by_an_administrator(ask, client):
    service = ask("POST", "service-accounts", '{"username": "reporter", "role": "analyst"}').json()

    made = ask("POST", f"service-accounts/{service['id']}/keys", '{"name": "night", "scopes": ["market:read"]}')

    assert made.status_code == 201
    current = client.get("/api/v1/auth/keys/current", headers={"authorization": f"Api-Key {made.json()['key']}"}).json()
    assert (current["owner"], current["role"]) == ("reporter", "analyst")


def test_people_make_their_own_keys(ask):
    alice = UserFactory.create()

    answer = ask("POST", f"service-accounts/{alice.pk}/keys", '{"name": "night", "scopes": ["market:read"]}')

    assert answer.status_code == 404
    assert not alice.api_keys.exists()


def test_audit_log_names_the_five_facts_and_its_link(ask, boss):
    alice = UserFactory.create(status="pending")
    ask("POST", f"approve/{alice.pk}", '{"reason": "Known."}')
    ask("POST", f"role/{alice.pk}", '{"role": "operator"}')
    connection.check_constraints()  # links are written when a transaction ends, and this one does not

    page = ask("GET", f"audit-logs?limit=1&target_user_id={alice.pk}").json()
    (entry,) = page["results"]
    older = ask("GET", page["next"].removeprefix("/api/v1/admin/")).json()["results"][0]

    assert (page["count"], page["previous"]) == (2, None)
    assert (entry["admin_id"], entry["action"], entry["target_user_id"]) == (
        boss.pk,
        "accounts.user.role_changed",
        alice.pk,
    )
    assert (entry["metadata"]["before"], entry["metadata"]["after"]) == ({"role": "viewer"}, {"role": "operator"})
    assert len(entry["hash"]) == 64
    assert (older["action"], older["metadata"]["reason"]) == ("accounts.user.approved", "Known.")
