"""Triggers that make rows stand as they were written, whatever the role or replication mode."""

from __future__ import annotations

REFUSE_FUNCTION = """
CREATE OR REPLACE FUNCTION placet_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def insert_only(table: str) -> str:
    """SQL after which `table` refuses UPDATE, DELETE and TRUNCATE."""
    return f"""
CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION placet_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_insert_only;
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION placet_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
"""


def words_can_be_erased(table: str) -> str:
    """SQL after which a row of the insert-only `table` lets go of its rationale, once: what stays
    is the SHA-256 of what stood there, and the database checks that."""
    return f"""
CREATE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR OLD.rationale = '' OR NEW.rationale <> ''
        OR NEW.rationale_sha256 <> encode(sha256(convert_to(OLD.rationale, 'UTF8')), 'hex')
        OR (to_jsonb(NEW) - '{{rationale,rationale_sha256}}'::text[])
            <> (to_jsonb(OLD) - '{{rationale,rationale_sha256}}'::text[])
    THEN
        RAISE EXCEPTION '% on % refused: its rows are written once', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER {table}_insert_only ON {table};
CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_guard();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_insert_only;
"""


def words_stay(table: str) -> str:
    """The reverse."""
    return f"""
DROP TRIGGER {table}_insert_only ON {table};
DROP FUNCTION {table}_guard();
CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION placet_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_insert_only;
"""


def writable_again(table: str) -> str:
    """The reverse, for a migration that is taken back."""
    return f"""
DROP TRIGGER {table}_insert_only ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
"""


def versions_stand(table: str, name: str, called: str) -> str:
    """SQL after which a row of `table` only ever stops being the active one.

    `name` is of function and trigger as `placet_<name>` and `<app>_<name>`, `called` what the
    refusal calls the row.
    """
    trigger = f"{table.partition('_')[0]}_{name}"
    return f"""
CREATE FUNCTION placet_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'active') = (to_jsonb(OLD) - 'active') AND NOT (NEW.active AND NOT OLD.active)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A change of a {called} refused: make the next version'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER {trigger} BEFORE UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION placet_{name}();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger};
"""


def versions_change_again(table: str, name: str) -> str:
    """The reverse of `versions_stand`."""
    return f"""
DROP TRIGGER {table.partition("_")[0]}_{name} ON {table};
DROP FUNCTION placet_{name}();
"""


TABLES = ("audit_auditevent", "audit_logleaf", "audit_checkpoint")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)
