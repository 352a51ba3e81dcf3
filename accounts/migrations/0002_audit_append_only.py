from django.db import migrations

from config.kernel.append_only import MakeAppendOnly


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [MakeAppendOnly("AuditEntry")]
