import pytest
from cryptography.fernet import InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.encryption import _fernet
from accounts.models import TotpDevice
from tests.accounts.factories import NOON, UserFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

OLD, NEW = "old key " * 5, "new key " * 5


@pytest.fixture
def sealed_with_the_old_key(settings):
    settings.ENCRYPTION_MASTER_KEY = OLD
    TotpDevice.objects.create(user=UserFactory.create(), secret="GEZDGNBVGY3TQOJQ", created_at=NOON)


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_totpdevice")
        return cursor.fetchone()[0].encode()


def test_old_key_can_go_after_the_rotation(sealed_with_the_old_key, settings, capsys):
    settings.ENCRYPTION_MASTER_KEY = f"{NEW},{OLD}"
    call_command("rotate_encryption_key")

    assert _fernet(NEW).decrypt(stored()) == b"GEZDGNBVGY3TQOJQ"
    with pytest.raises(InvalidToken):
        _fernet(OLD).decrypt(stored())
    settings.ENCRYPTION_MASTER_KEY = NEW
    assert TotpDevice.objects.get().secret == "GEZDGNBVGY3TQOJQ"
    assert capsys.readouterr().out == "1 authenticators encrypted with the newest key.\n"


def test_dry_run_changes_nothing(sealed_with_the_old_key, settings, capsys):
    before = stored()
    settings.ENCRYPTION_MASTER_KEY = f"{NEW},{OLD}"

    call_command("rotate_encryption_key", "--dry-run")

    assert stored() == before
    assert capsys.readouterr().out == "1 authenticators can be read.\n"


def test_key_that_is_gone_too_early_is_missed(sealed_with_the_old_key, settings):
    before = stored()
    settings.ENCRYPTION_MASTER_KEY = NEW

    with pytest.raises(CommandError, match="put the key it was made with back into ENCRYPTION_MASTER_KEY"):
        call_command("rotate_encryption_key")

    assert stored() == before
