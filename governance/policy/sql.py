"""What the database itself refuses: a changed version of a rule set, or one that nobody decided."""

# Calls were screened under these rules: a version only ever stops being the active one.
RULE_VERSIONS_STAND = """
CREATE FUNCTION placet_rule_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.change_id IS NULL OR EXISTS (
            SELECT 1 FROM approvals_changerequest
            WHERE id = NEW.change_id AND kind = 'rule_set' AND subject_id = NEW.rule_set_id
                AND state IN ('approved', 'applied', 'provisional')
                AND proposal->'rules' = NEW.rules AND proposal->'tests' = NEW.tests
        ) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a version of a rule set needs a decided change with exactly its rules'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'active') = (to_jsonb(OLD) - 'active')
        AND NOT (NEW.active AND NOT OLD.active)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on a version of a rule set refused: make the next version', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER policy_rule_version_stands
    BEFORE INSERT OR UPDATE OR DELETE ON policy_rulesetversion
    FOR EACH ROW EXECUTE FUNCTION placet_rule_version_stands();
ALTER TABLE policy_rulesetversion ENABLE ALWAYS TRIGGER policy_rule_version_stands;
"""
RULE_VERSIONS_REVERSE = """
DROP TRIGGER policy_rule_version_stands ON policy_rulesetversion;
DROP FUNCTION placet_rule_version_stands();
"""
