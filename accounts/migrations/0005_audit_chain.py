import django.db.models.deletion
from django.db import migrations, models

from accounts.models.audit_link import CANONICAL, GENESIS_HASH
from config.kernel.append_only import MakeAppendOnly
from config.kernel.owner_only import owner_only_function_sql, owner_only_sql
from config.kernel.privileges import APP, OWNER_ONLY_FUNCTION

# At COMMIT and in two steps, so that the chain's lock is the last one that a transaction takes: docs/adr tells why.
_UNLINKED = """
CREATE UNLOGGED TABLE public.accounts_audit_unlinked (entry_id bigint PRIMARY KEY)
"""

_FUNCTIONS = f"""
CREATE FUNCTION public.audit_entry_stamp() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.id := nextval(pg_get_serial_sequence('public.accounts_auditentry', 'id'));
    NEW.created_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION public.audit_entry_await_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.accounts_audit_unlinked VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE FUNCTION public.audit_link_write() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head public.accounts_auditlink;
BEGIN
    -- One at a time, until the transaction is over and the next in line sees its link.
    PERFORM pg_advisory_xact_lock('public.accounts_auditlink'::regclass::oid::bigint);
    SELECT * INTO head FROM public.accounts_auditlink ORDER BY position DESC LIMIT 1;
    -- The row as it is stored, whoever says what it holds.
    INSERT INTO public.accounts_auditlink (position, entry_id, previous_hash, hash)
    SELECT coalesce(head.position, 0) + 1, entry.id, previous.hash,
           encode(sha256(convert_to(previous.hash || {CANONICAL}, 'UTF8')), 'hex')
      FROM public.accounts_auditentry entry
     CROSS JOIN (SELECT coalesce(head.hash, '{GENESIS_HASH}') AS hash) previous
     WHERE entry.id = NEW.entry_id;
    DELETE FROM public.accounts_audit_unlinked WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END $$;

-- A trigger fires without a grant; with one, `app` could hang these on rows of its own making.
REVOKE ALL ON FUNCTION public.audit_entry_stamp(), public.audit_entry_await_link(), public.audit_link_write()
    FROM PUBLIC, "{APP}";
"""  # noqa: S608  # names of ours

_TRIGGERS = """
CREATE TRIGGER audit_entry_stamp BEFORE INSERT ON public.accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION public.audit_entry_stamp();
CREATE CONSTRAINT TRIGGER audit_entry_await_link AFTER INSERT ON public.accounts_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.audit_entry_await_link();
CREATE CONSTRAINT TRIGGER audit_link_write AFTER INSERT ON public.accounts_audit_unlinked
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.audit_link_write();
"""

_LINK_WHAT_IS_THERE = """
INSERT INTO public.accounts_audit_unlinked SELECT id FROM public.accounts_auditentry ORDER BY id;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_mail")]

    operations = [
        migrations.AddField(
            "auditentry",
            "api_key",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Prefix of the API key with which it was done, if any.",
                max_length=64,
            ),
        ),
        migrations.CreateModel(
            "AuditLink",
            fields=[
                (
                    "position",
                    models.BigIntegerField(help_text="Counts from 1, without gaps.", primary_key=True, serialize=False),
                ),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="link", to="accounts.auditentry"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("position__gte", 1)), name="audit_link_counts_from_one")
                ],
            },
        ),
        MakeAppendOnly("AuditLink"),
        migrations.RunSQL(
            [
                _UNLINKED,
                owner_only_function_sql(),
                *owner_only_sql("public.accounts_auditlink"),
                *owner_only_sql("public.accounts_audit_unlinked"),
                _FUNCTIONS,
                _TRIGGERS,
            ],
            [
                "DROP TRIGGER audit_entry_await_link ON public.accounts_auditentry",
                "DROP TRIGGER audit_entry_stamp ON public.accounts_auditentry",
                "DROP TABLE public.accounts_audit_unlinked",
                "DROP TRIGGER owner_only ON public.accounts_auditlink",
                "DROP FUNCTION public.audit_link_write(), public.audit_entry_await_link(), public.audit_entry_stamp()",
                f"DROP FUNCTION public.{OWNER_ONLY_FUNCTION}()",
            ],
        ),
        migrations.RunSQL(_LINK_WHAT_IS_THERE, migrations.RunSQL.noop),
    ]
