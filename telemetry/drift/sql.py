"""The trigger that keeps finished checks as they are."""

FINISHED_CHECKS = """
CREATE FUNCTION drift_finished_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state NOT IN ('due', 'running') THEN
        RAISE EXCEPTION '% on drift check % refused: what was measured stays', TG_OP, OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER drift_finished_never_changes BEFORE UPDATE OR DELETE ON drift_driftcheck
    FOR EACH ROW EXECUTE FUNCTION drift_finished_never_changes();
ALTER TABLE drift_driftcheck ENABLE ALWAYS TRIGGER drift_finished_never_changes;
"""

FINISHED_CHECKS_BACK = """
DROP TRIGGER drift_finished_never_changes ON drift_driftcheck;
DROP FUNCTION drift_finished_never_changes();
"""
