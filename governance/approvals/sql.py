"""What is written once: decisions (a new revision may void them), and versions of policies."""

from governance.audit.sql import versions_change_again, versions_stand

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
_POLICIES = ("approvals_approvalpolicy", "policy_version_stands")
POLICY_VERSIONS_STAND = versions_stand(*_POLICIES, "policy version")
POLICY_VERSIONS_REVERSE = versions_change_again(*_POLICIES)

# The first version of a kind and tier is the installation's; every later one was decided on.
POLICY_NEEDS_CHANGE = """
CREATE FUNCTION placet_policy_needs_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version = 1 AND NEW.change_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM approvals_approvalpolicy WHERE kind = NEW.kind AND tier = NEW.tier
    ) THEN
        RETURN NEW;
    END IF;
    -- What several policies ask together is written down for one bundle, and never active.
    IF NEW.kind = 'bundle' AND NOT NEW.active THEN
        RETURN NEW;
    END IF;
    IF EXISTS (
        SELECT 1 FROM approvals_changerequest change
        JOIN approvals_approvalpolicy decided ON decided.id = change.subject_id
        WHERE change.id = NEW.change_id AND change.kind = 'approval_policy'
            AND decided.kind = NEW.kind AND decided.tier = NEW.tier
            AND (change.state = 'reverted'
                OR (change.state IN ('approved', 'applied', 'provisional')
                    AND change.proposal->'sign_offs' = NEW.sign_offs
                    AND coalesce(change.proposal->'veto', '[]'::jsonb) = NEW.veto
                    AND NEW.version = decided.version + 1))
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'version % of the policy for % at % needs a decided change',
        NEW.version, NEW.kind, NEW.tier USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER approvals_policy_needs_change BEFORE INSERT ON approvals_approvalpolicy
    FOR EACH ROW EXECUTE FUNCTION placet_policy_needs_change();
ALTER TABLE approvals_approvalpolicy ENABLE ALWAYS TRIGGER approvals_policy_needs_change;
"""
POLICY_NEEDS_CHANGE_REVERSE = """
DROP TRIGGER approvals_policy_needs_change ON approvals_approvalpolicy;
DROP FUNCTION placet_policy_needs_change();
"""

# Minutes are proof: a closed meeting is as it was when its digest went into the log.
MINUTES_STAND = """
CREATE FUNCTION placet_minutes_stand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'closed' THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    RAISE EXCEPTION '% of a closed meeting refused: its minutes stand', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER approvals_minutes_stand BEFORE UPDATE OR DELETE ON approvals_meeting
    FOR EACH ROW EXECUTE FUNCTION placet_minutes_stand();
ALTER TABLE approvals_meeting ENABLE ALWAYS TRIGGER approvals_minutes_stand;
"""
MINUTES_REVERSE = """
DROP TRIGGER approvals_minutes_stand ON approvals_meeting;
DROP FUNCTION placet_minutes_stand();
"""
