"""Versions of policies and acknowledgements are written once; a version may only end, and resume."""

LIBRARY_STANDS = """
CREATE FUNCTION placet_policy_text_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'compliance_policyversion'
        AND (to_jsonb(NEW) - 'ended_at') = (to_jsonb(OLD) - 'ended_at')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % refused: what was signed or acknowledged stands', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER compliance_policy_text_stands BEFORE UPDATE OR DELETE ON compliance_policyversion
    FOR EACH ROW EXECUTE FUNCTION placet_policy_text_stands();
CREATE TRIGGER compliance_acknowledgement_stands BEFORE UPDATE OR DELETE
    ON compliance_acknowledgement FOR EACH ROW EXECUTE FUNCTION placet_policy_text_stands();
ALTER TABLE compliance_policyversion ENABLE ALWAYS TRIGGER compliance_policy_text_stands;
ALTER TABLE compliance_acknowledgement ENABLE ALWAYS TRIGGER compliance_acknowledgement_stands;
"""
LIBRARY_REVERSE = """
DROP TRIGGER compliance_policy_text_stands ON compliance_policyversion;
DROP TRIGGER compliance_acknowledgement_stands ON compliance_acknowledgement;
DROP FUNCTION placet_policy_text_stands();
"""
