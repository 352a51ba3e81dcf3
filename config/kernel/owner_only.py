"""Tables that nobody writes by hand: only functions of their owner do, and the serving role reads them.

Such a function runs with its owner's rights (SECURITY DEFINER), so `current_user` is the owner while it works. As with
append-only rows there are two refusals: the privilege that the serving role lacks, and triggers for everybody else.
"""

from config.kernel.privileges import APP, OWNER_ONLY_FUNCTION


def owner_only_function_sql() -> str:
    """The one function behind every such table; stating it again is harmless."""
    return f"""
CREATE OR REPLACE FUNCTION public.{OWNER_ONLY_FUNCTION}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION '% is written by functions of its owner only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$"""  # noqa: S608  # a name of ours


def owner_only_sql(table: str) -> list[str]:
    """Statements that leave a table, given by its quoted name, to its owner's functions; may be repeated."""
    return [
        f"CREATE OR REPLACE TRIGGER owner_only BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION public.{OWNER_ONLY_FUNCTION}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER owner_only",
        f'REVOKE ALL ON {table} FROM PUBLIC, "{APP}"',
        f'GRANT SELECT ON {table} TO "{APP}"',
    ]
