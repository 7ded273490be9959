"""Triggers that make a table insert-only, whatever the role or replication mode."""

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


def writable_again(table: str) -> str:
    """The reverse, for a migration that is taken back."""
    return f"""
DROP TRIGGER {table}_insert_only ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
"""


TABLES = ("audit_auditevent", "audit_logleaf", "audit_checkpoint")
INSERT_ONLY = REFUSE_FUNCTION + "".join(insert_only(table) for table in TABLES)
WRITABLE_AGAIN = "".join(writable_again(table) for table in TABLES)
