"""Versions need their decided change; versions and parts stand as they were written."""

from governance.audit.sql import insert_only, writable_again

TABLES = ("allocation_allocationversion", "allocation_allocationpart")
STAND = "".join(insert_only(table) for table in TABLES)
STAND_BACK = "".join(writable_again(table) for table in TABLES)

NEEDS_CHANGE = """
CREATE FUNCTION allocation_version_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM approvals_changerequest change
        WHERE change.id = NEW.change_id AND change.kind = 'allocation_rule'
            AND change.subject_id = NEW.rule_id
            AND change.state IN ('approved', 'applied')
            AND (change.proposal->>'amount')::numeric = NEW.amount
            AND (change.proposal->>'rate')::numeric = NEW.rate
            AND change.proposal->>'source' = NEW.source
            AND change.proposal->>'method' = NEW.method
            AND change.proposal->'figures' = NEW.figures
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a version of allocation rule % needs a decided change of exactly this one',
        NEW.rule_id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER allocation_version_needs_change BEFORE INSERT ON allocation_allocationversion
    FOR EACH ROW EXECUTE FUNCTION allocation_version_needs_change();
ALTER TABLE allocation_allocationversion
    ENABLE ALWAYS TRIGGER allocation_version_needs_change;
"""
NEEDS_CHANGE_BACK = """
DROP TRIGGER allocation_version_needs_change ON allocation_allocationversion;
DROP FUNCTION allocation_version_needs_change();
"""
