"""Who may do what in the database: the two roles of the product and their grants.

`owner` owns the database and runs the migrations; `app` serves requests and jobs: it reads and writes rows and changes
nothing else. Neither is a superuser and neither can become the other, so an append-only table is so for both.

    python -m config.kernel.privileges --superuser-url postgresql://...   # creates roles, database and grants
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

OWNER = "owner"
APP = "app"
REFUSAL_FUNCTION = "refuse_change_of_append_only"  # a table whose trigger calls it is read and appended to only
OWNER_ONLY_FUNCTION = "refuse_hands_other_than_owners"  # and such a table is only read: functions of the owner write it

_ROLE = """
DO $$ BEGIN
    CREATE ROLE {role};
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    -- Only a superuser may even mention these attributes, and a new role has none of them.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = {text} AND (rolsuper OR rolreplication OR rolbypassrls)) THEN
        ALTER ROLE {role} NOSUPERUSER NOREPLICATION NOBYPASSRLS;
    END IF;
END $$;
ALTER ROLE {role} LOGIN NOCREATEDB NOCREATEROLE PASSWORD {password};
"""

_GRANTS = """
DO $$ BEGIN
    -- Temporary tables are for staging imports: they are the session's own and vanish with it.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), {app_text});
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {app};
GRANT USAGE ON SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {app};
-- Functions of the owner may run with the owner's rights: nobody else calls them by default. Those that triggers call
-- need no grant to be fired, and with one `app` could hang them on a table of its own, with rows of its own making.
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT EXECUTE ON FUNCTIONS TO {app};
DO $$
DECLARE item record;
BEGIN
    -- What is there already, for instance after a dump was restored without its privileges.
    FOR item IN
        SELECT c.oid::regclass AS name, CASE
            WHEN c.relkind = 'S' THEN 'USAGE, SELECT'
            WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                         WHERE t.tgrelid = c.oid AND p.proname = {owner_only}) THEN 'SELECT'
            WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                         WHERE t.tgrelid = c.oid AND p.proname = {refusal}) THEN 'SELECT, INSERT'
            ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS rights
        FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
          AND r.rolname = {owner_text}
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %I', item.name, {app_text});
        EXECUTE format('GRANT %s ON %s TO %I', item.rights, item.name, {app_text});
    END LOOP;
    FOR item IN
        SELECT p.oid::regprocedure AS name, p.prorettype = 'trigger'::regtype AS is_of_trigger
        FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE p.pronamespace = 'public'::regnamespace AND r.rolname = {owner_text}
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, %I', item.name, {app_text});
        IF NOT item.is_of_trigger THEN
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', item.name, {app_text});
        END IF;
    END LOOP;
END $$;
"""


def create_roles_sql(owner_password: str, app_password: str, owner: str = OWNER, app: str = APP) -> str:
    """Statements that create both roles, or bring existing ones back to what they must be.

    For a superuser or a role with CREATEROLE. Contains both passwords: do not log it.
    """
    roles = [
        _ROLE.format(role=_name(role), text=_text(role), password=_text(password))
        for role, password in [(owner, owner_password), (app, app_password)]
    ]
    return "".join([*roles, f"REVOKE {_name(owner)} FROM {_name(app)};\n"])


def grant_sql(owner: str = OWNER, app: str = APP) -> str:
    """Statements that give `app` its rights; run inside the database as `owner` or as a superuser.

    They may be repeated at any time: append-only tables keep refusing UPDATE and DELETE, and those that only the
    owner's functions write keep refusing everything but SELECT.
    """
    return _GRANTS.format(
        owner=_name(owner),
        owner_text=_text(owner),
        app=_name(app),
        app_text=_text(app),
        refusal=_text(REFUSAL_FUNCTION),
        owner_only=_text(OWNER_ONLY_FUNCTION),
    )


def _name(identifier: str) -> str:
    return sql.Identifier(identifier).as_string(None)


def _text(value: str) -> str:
    return sql.Literal(value).as_string(None)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the product will live, read from its own two URLs."""

    database: str
    owner_password: str
    app_password: str

    @classmethod
    def from_urls(cls, *, owner_url: str, app_url: str) -> "Target":
        """Raise `ValueError` when the URLs name other roles, or two databases."""
        owner, app = urlsplit(owner_url), urlsplit(app_url)
        for variable, role, url in [("DATABASE_OWNER_URL", OWNER, owner), ("DATABASE_URL", APP, app)]:
            if url.username != role:
                raise ValueError(f'{variable} must log in as the role "{role}".')
        if owner.path != app.path or not app.path.strip("/"):
            raise ValueError("DATABASE_OWNER_URL and DATABASE_URL must name the same database.")
        return cls(unquote(app.path.lstrip("/")), unquote(owner.password or ""), unquote(app.password or ""))


def prepare(superuser_url: str, target: Target) -> list[str]:
    """Create what is missing of roles, database and grants; return what was done, in words.

    A superuser will do, and so will a managed server's role with CREATEROLE and CREATEDB.
    """
    done = []
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(create_roles_sql(target.owner_password, target.app_password))
        done.append(f'roles "{OWNER}" and "{APP}" are there, with the passwords of the two URLs')
        exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [target.database]).rowcount
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper").rowcount:
            # Others must be a member of the owner to make a database of its own and to act in its name.
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(OWNER)))
        if not exists:
            names = sql.Identifier(target.database), sql.Identifier(OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(*names))
        done.append(f'database "{target.database}" ' + ("was there already" if exists else "created"))
    with psycopg.connect(superuser_url, dbname=target.database, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        connection.execute(grant_sql())
        done.append(f'"{APP}" may read and write rows, and nothing else')
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """The operators' door; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m config.kernel.privileges",
        description="Create the roles, the database and the grants named by DATABASE_OWNER_URL and DATABASE_URL.",
    )
    parser.add_argument("--superuser-url", required=True, help="a superuser, or a role with CREATEROLE and CREATEDB")
    superuser_url = parser.parse_args(arguments).superuser_url
    try:
        owner_url, app_url = os.environ["DATABASE_OWNER_URL"], os.environ["DATABASE_URL"]
        done = prepare(superuser_url, Target.from_urls(owner_url=owner_url, app_url=app_url))
    except KeyError as missing:
        parser.error(f"{missing.args[0]} is not set.")
    except (ValueError, psycopg.Error) as problem:
        parser.error(str(problem).strip())
    sys.stdout.writelines(f"{line}\n" for line in done)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
