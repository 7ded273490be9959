"""What is written once: decisions (a new revision may void them), and versions of policies."""

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

# Requests were opened under these words: a version only ever stops being the active one.
POLICY_VERSIONS_STAND = """
CREATE FUNCTION placet_policy_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'active') = (to_jsonb(OLD) - 'active') AND NOT (NEW.active AND NOT OLD.active)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A change of a policy version refused: make the next version'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER approvals_policy_version_stands BEFORE UPDATE ON approvals_approvalpolicy
    FOR EACH ROW EXECUTE FUNCTION placet_policy_version_stands();
ALTER TABLE approvals_approvalpolicy ENABLE ALWAYS TRIGGER approvals_policy_version_stands;
"""
POLICY_VERSIONS_REVERSE = """
DROP TRIGGER approvals_policy_version_stands ON approvals_approvalpolicy;
DROP FUNCTION placet_policy_version_stands();
"""
