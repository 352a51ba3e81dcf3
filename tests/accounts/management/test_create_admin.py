import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, User

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_administrator_is_active_and_on_record(monkeypatch, capsys):
    monkeypatch.setenv("ADMIN_PASSWORD", "seven green bottles")

    call_command("create_admin", "boss", "Boss@Example.com")

    boss = User.objects.get()
    assert (boss.username, boss.role, boss.status) == ("boss", "admin", "active")
    assert boss.check_password("seven green bottles")
    assert AuditEntry.objects.about(boss).verbs() == ["accounts.user.created"]
    assert "boss may now log in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("username", "password", "said"),
    [
        ("boss", "short", "password: This password is too short. It must contain at least 10 characters."),
        ("bo ss", "seven green bottles", "username: Use letters, digits and underscores only."),
    ],
)
def test_what_could_be_no_account_is_explained_and_makes_none(monkeypatch, username, password, said):
    monkeypatch.setenv("ADMIN_PASSWORD", password)

    with pytest.raises(CommandError, match=said):
        call_command("create_admin", username, "boss@example.com")

    assert not User.objects.exists()
