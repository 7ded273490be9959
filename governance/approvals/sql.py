"""Decisions are written once; only a new revision may void them and free their slot."""

DECISIONS_STAND = """
CREATE FUNCTION placet_decision_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.is_void
        AND (to_jsonb(NEW) - 'is_void' - 'slot_id') = (to_jsonb(OLD) - 'is_void' - 'slot_id')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on a decision refused: decisions are written once', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER approvals_decision_stands BEFORE UPDATE OR DELETE ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION placet_decision_stands();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_decision_stands;
"""
REVERSE = """
DROP TRIGGER approvals_decision_stands ON approvals_decision;
DROP FUNCTION placet_decision_stands();
"""
